// npm run build: compiles src/ and client/ to dist/, and bundles what browsers load. With --bundles it only does the
// latter, which takes no time: for tests, which run from the sources.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
// Not bin/tsc: a file without an extension does not load if NODE_OPTIONS brings in a loader.
const compiler = fileURLToPath(new URL('node_modules/typescript/lib/tsc.js', root));

function compile(project) {
  const args = [compiler, '-p', project];
  const { status } = spawnSync(process.execPath, args, { cwd: fileURLToPath(root), stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** `fanfare/client` as the server serves it: a script that sets `Fanfare`, and a module. (docs/resume.md) */
async function bundleClient() {
  const { build } = await import('esbuild');
  const options = {
    entryPoints: [fileURLToPath(new URL('client/index.ts', root))],
    bundle: true,
    minify: true,
    // What pusher-js's own browsers with WebSockets and Promises run.
    target: 'es2018',
  };
  const outfile = (name) => fileURLToPath(new URL(`dist/client/${name}`, root));
  await build({ ...options, format: 'iife', globalName: 'Fanfare', outfile: outfile('browser.js') });
  await build({ ...options, format: 'esm', outfile: outfile('browser.mjs') });
}

const bundlesAlone = process.argv.includes('--bundles');
if (existsSync(new URL('client/', root))) {
  if (!bundlesAlone) compile('client/tsconfig.json');
  await bundleClient();
}
if (existsSync(new URL('console/', root))) {
  const { buildConsole } = await import('./build-console.mjs');
  await buildConsole();
}
// Last: by the age of what this writes, npm start knows whether a build is due.
if (!bundlesAlone) compile('tsconfig.build.json');
