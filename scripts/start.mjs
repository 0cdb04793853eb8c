// npm start: builds where dist/ is missing or older than src/, then serves in this very process, so that signals reach
// the server.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const cli = new URL('dist/cli.js', root);
// Not bin/tsc: a file without an extension does not load where NODE_OPTIONS brings in a loader.
const compiler = fileURLToPath(new URL('node_modules/typescript/lib/tsc.js', root));

function newest(folder) {
  const times = readdirSync(folder, { recursive: true }).map((name) => statSync(new URL(name, folder)).mtimeMs);
  return Math.max(0, ...times);
}

function isBuilt() {
  const sources = new URL('src/', root);
  // An image for production holds dist/ alone.
  if (!existsSync(sources)) return true;
  return existsSync(cli) && statSync(cli).mtimeMs >= newest(sources);
}

if (!isBuilt()) {
  if (existsSync(compiler)) {
    console.error('Building …');
    const build = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
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
