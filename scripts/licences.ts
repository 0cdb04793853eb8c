import { readFileSync } from 'node:fs';

/** What package-lock.json says of one package. */
export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly engines?: { readonly node?: string };
}

/** Every package of the lock but the project itself, by its path in node_modules. */
export function lockedPackages(): ReadonlyArray<readonly [path: string, entry: LockedPackage]> {
  const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
  const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, LockedPackage>> };
  return Object.entries(packages).filter(([path]) => path !== '');
}

export function packageName(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** The page docs/licences.md. */
export function licencesPage(): string {
  const byLicence = new Map<string, Set<string>>();
  for (const [path, { license = 'not said', dev = false }] of lockedPackages()) {
    if (dev) continue;
    const names = byLicence.get(license) ?? new Set();
    names.add(packageName(path));
    byLicence.set(license, names);
  }
  const rows = [...byLicence]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([licence, names]) =>
        `| ${licence} | ${[...names]
          .sort()
          .map((name) => `\`${name}\``)
          .join(', ')} |`,
    );
  return `# Licences

<!-- Generated from package-lock.json by \`npm run docs:licences\`; a test keeps it equal. -->

Fanfare is under the MIT licence. What a running server is made of, on whichever platform, is under these; what serves
development alone is left out. \`npm run sbom\` prints the same as a software bill of materials (CycloneDX, JSON), with
versions and checksums.

| licence | packages |
|---|---|
${rows.join('\n')}
`;
}
