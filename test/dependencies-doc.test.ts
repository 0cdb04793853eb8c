import { readFileSync } from 'node:fs';
import t from 'tap';

const page = readFileSync(new URL('../docs/dependencies.md', import.meta.url), 'utf8');
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, string>> | undefined>
>;

/** The rows between two marks: each cell's text without its backticks. */
function rowsOf(mark: string): string[][] {
  const [, table] = page.split(new RegExp(`<!-- /?${mark} -->`));
  if (table === undefined) throw new Error(`docs/dependencies.md has no <!-- ${mark} --> before and after its table`);
  return table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

for (const [mark, key] of [
  ['dependencies', 'dependencies'],
  ['optional-dependencies', 'optionalDependencies'],
  ['dev-dependencies', 'devDependencies'],
] as const) {
  t.test(`docs/dependencies.md lists the ${key} of package.json`, async (t) => {
    const [head, , ...rows] = rowsOf(mark);
    t.strictSame(head, ['package', 'version', 'weight', 'what for', 'kept by', 'instead of']);
    t.strictSame(
      rows.map(([name, version]) => [name, version]),
      Object.entries(manifest[key] ?? {}),
    );
    for (const row of rows) t.notOk(row.includes(''), `every cell of ${row[0]} says something`);
  });
}

t.test('versions are exact', async (t) => {
  for (const key of ['dependencies', 'optionalDependencies', 'devDependencies']) {
    for (const [name, version] of Object.entries(manifest[key] ?? {})) {
      t.match(version, /^(?:npm:@?[\w./-]+@)?\d+\.\d+\.\d+$/, name);
    }
  }
});
