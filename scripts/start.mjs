// npm start: builds if dist/ is missing or older than its sources, then serves in this very process, so that signals
// reach the server.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const cli = new URL('dist/cli.js', root);
const compiler = new URL('node_modules/typescript/package.json', root);

function newest(folder) {
  const times = readdirSync(folder, { recursive: true }).map((name) => statSync(new URL(name, folder)).mtimeMs);
  return Math.max(0, ...times);
}

function isBuilt() {
  // An image for production holds dist/ alone.
  const sources = ['src/', 'client/', 'console/'].map((folder) => new URL(folder, root)).filter(existsSync);
  if (sources.length === 0) return true;
  return existsSync(cli) && statSync(cli).mtimeMs >= Math.max(...sources.map(newest));
}

if (!isBuilt()) {
  if (existsSync(compiler)) {
    console.error('Building …');
    const build = spawnSync(process.execPath, [fileURLToPath(new URL('scripts/build.mjs', root))], {
      cwd: fileURLToPath(root),
      stdio: ['ignore', 2, 2],
    });
    if (build.status !== 0) {
      console.error(
        'The build failed. If a package is missing above, this platform has optional packages that were not installed: ' +
          'run npm install without --omit=optional.',
      );
      process.exit(build.status ?? 1);
    }
  } else if (existsSync(cli)) {
    console.error('dist/ is older than src/, and typescript is not installed to build it: serving dist/ as it is.');
  } else {
    console.error(
      'There is no dist/, and typescript is not installed to build it: run npm install, then npm run build.',
    );
    process.exit(1);
  }
}

process.argv = [process.argv[0], fileURLToPath(cli), 'serve', ...process.argv.slice(2)];
await import(cli.href);
