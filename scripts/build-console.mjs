import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const from = (path) => fileURLToPath(new URL(`../console/${path}`, import.meta.url));
const to = (page, path) => fileURLToPath(new URL(`../dist/${page}/${path}`, import.meta.url));

/** By the folder that each is built into: its script and its page. */
const PAGES = { console: ['main.tsx', 'index.html'], playground: ['playground.tsx', 'playground.html'] };

/** Builds the console's page, and the playground's, into dist/: a few static files that the package carries. */
export async function buildConsole() {
  for (const [name, [script, page]] of Object.entries(PAGES)) {
    mkdirSync(to(name, ''), { recursive: true });
    await build({
      entryPoints: [{ in: from(`src/${script}`), out: name }],
      outdir: to(name, ''),
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
    copyFileSync(from(page), to(name, 'index.html'));
    copyFileSync(from('icon.svg'), to(name, 'icon.svg'));
  }
}
