import { cpSync, existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ROOT, scratchFolder, startNode } from '../support/cli.ts';

const LONG_AGO = new Date('2020-01-01');

/** A project with the real start script and a source of a few lines. */
function project(t: Test, { typescript = true } = {}): string {
  const root = scratchFolder(t);
  mkdirSync(join(root, 'scripts'));
  mkdirSync(join(root, 'src'));
  mkdirSync(join(root, 'node_modules'));
  for (const name of ['start.mjs', 'build.mjs']) cpSync(join(ROOT, 'scripts', name), join(root, 'scripts', name));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  const options = { module: 'NodeNext', rootDir: 'src', outDir: 'dist', noEmitOnError: true, types: [] };
  writeFileSync(join(root, 'tsconfig.build.json'), JSON.stringify({ compilerOptions: options, include: ['src'] }));
  write(root, 'first');
  if (typescript) {
    symlinkSync(join(ROOT, 'node_modules/typescript'), join(root, 'node_modules/typescript'));
  }
  return root;
}

function write(root: string, word: string, folder = 'src', file = 'cli.ts'): void {
  mkdirSync(join(root, folder), { recursive: true });
  const out = file.endsWith('.ts')
    ? 'declare const process: { argv: string[] }; declare const console: { log(text: string): void };\n'
    : '';
  writeFileSync(
    join(root, folder, file),
    `${out}console.log(['${word}', ...process.argv.slice(2)].join(' ')); export {};\n`,
  );
}

async function npmStart(t: Test, root: string, ...args: string[]) {
  const command = startNode(t, [join(root, 'scripts/start.mjs'), ...args], root, {});
  return { code: await command.exited(), stdout: command.stdout(), stderr: command.stderr() };
}

t.test('builds where dist/ is missing or older than src/, else serves at once', async (t) => {
  const root = project(t);
  t.match(await npmStart(t, root, '--port', '7'), {
    code: 0,
    stdout: 'first serve --port 7\n',
    stderr: 'Building …\n',
  });
  t.match(await npmStart(t, root), { code: 0, stdout: 'first serve\n', stderr: '' });
  write(root, 'second');
  utimesSync(join(root, 'dist/cli.js'), LONG_AGO, LONG_AGO);
  t.match(await npmStart(t, root), { code: 0, stdout: 'second serve\n', stderr: 'Building …\n' });
});

t.test('a build with errors ends it, and the next start builds again', async (t) => {
  const root = project(t);
  writeFileSync(join(root, 'src/cli.ts'), 'const wrong: number = "text"; export { wrong };\n');
  const first = await npmStart(t, root);
  t.not(first.code, 0);
  t.match(first.stderr, /cli\.ts.*TS2322/);
  t.notOk(existsSync(join(root, 'dist/cli.js')));
  t.match(await npmStart(t, root), { stderr: /^Building …/ });
});

t.test('an image for production has neither src/ nor typescript', async (t) => {
  const root = scratchFolder(t);
  mkdirSync(join(root, 'scripts'));
  cpSync(join(ROOT, 'scripts/start.mjs'), join(root, 'scripts/start.mjs'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  write(root, 'built', 'dist', 'cli.js');
  t.match(await npmStart(t, root), { code: 0, stdout: 'built serve\n', stderr: '' });
});

t.test('without typescript', async (t) => {
  const root = project(t, { typescript: false });
  t.match(await npmStart(t, root), { code: 1, stderr: /There is no dist\/, and typescript is not installed/ });
  write(root, 'stale', 'dist', 'cli.js');
  utimesSync(join(root, 'dist/cli.js'), LONG_AGO, LONG_AGO);
  t.match(await npmStart(t, root), { code: 0, stdout: 'stale serve\n', stderr: /serving dist\/ as it is/ });
});
