import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const from = (path) => fileURLToPath(new URL(`../console/${path}`, import.meta.url));
const to = (path) => fileURLToPath(new URL(`../dist/console/${path}`, import.meta.url));

/** Builds the console's page into dist/console/: a few static files that the package carries. */
export async function buildConsole() {
  mkdirSync(to(''), { recursive: true });
  await build({
    entryPoints: [{ in: from('src/main.tsx'), out: 'console' }],
    outdir: to(''),
    bundle: true,
    format: 'esm',
    minify: true,
    target: ['es2022'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    tsconfigRaw: {},
    legalComments: 'eof',
    logLevel: 'warning',
  });
  for (const file of ['index.html', 'icon.svg']) copyFileSync(from(file), to(file));
}
