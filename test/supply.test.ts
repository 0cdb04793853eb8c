import { readFileSync } from 'node:fs';
import t from 'tap';
import { licencesPage, lockedPackages, packageName } from '../scripts/licences.ts';

/** Licences that ask for no more than to be named. Another is a decision, and not an update. */
const PERMISSIVE = new Set([
  ...['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0', 'Unlicense', 'CC0-1.0'],
  ...['MIT OR Apache-2.0', '(WTFPL OR MIT)', '(MIT OR CC0-1.0)'],
]);
/** Of development: data, and a package that says it in a file alone (MIT). */
const LOOKED_AT: Readonly<Record<string, string>> = {
  'spdx-exceptions': 'CC-BY-3.0',
  'jsonc-simple-parser': 'not said',
};
/** Packages that may run code of their own when they are installed: esbuild checks its binary. */
const INSTALL_SCRIPTS = ['esbuild'];

t.test('docs/licences.md is what the lock says', async (t) => {
  t.equal(readFileSync(new URL('../docs/licences.md', import.meta.url), 'utf8'), licencesPage());
});

t.test('every package has a licence that asks for no more than to be named', async (t) => {
  const others = lockedPackages()
    .map(([path, { license = 'not said' }]) => [packageName(path), license] as const)
    .filter(([name, licence]) => !PERMISSIVE.has(licence) && LOOKED_AT[name] !== licence);
  t.strictSame(others, []);
});

t.test('no package runs a script when it is installed, but for those named', async (t) => {
  const running = lockedPackages().filter(([, { hasInstallScript }]) => hasInstallScript === true);
  t.strictSame(
    running.map(([path]) => packageName(path)),
    INSTALL_SCRIPTS,
  );
  t.ok(
    running.every(([, { dev }]) => dev === true),
    'none of them is part of a running server',
  );
});
