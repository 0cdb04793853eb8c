import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { seedFolder, seedsOf } from './seeds.ts';
import type { FuzzTarget } from './targets/target.ts';

/** Not among the project's dependencies: it brings 105 packages, and only this command wants them. */
const FUZZER = '@jazzer.js/core';
const VERSION = '4.0.0';
const FOLDER = fileURLToPath(new URL('.jazzer', import.meta.url));
const INSTALL_MS = 300_000;

/** Installs the fuzzer into a folder of its own, if it is missing. Throws a sentence if npm fails. */
function installFuzzer(): string {
  const entry = join(FOLDER, 'node_modules', FUZZER, 'dist', 'cli.js');
  const check = spawnSync(process.execPath, [entry, '--version'], { encoding: 'utf8' });
  if (check.status === 0) return entry;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), JSON.stringify({ private: true }));
  console.log(`Installing ${FUZZER} ${VERSION} into ${FOLDER}`);
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${FUZZER}@${VERSION}`], {
    cwd: FOLDER,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  });
  if (npm.status !== 0) throw new Error(`${FUZZER} cannot be installed (use --guided 0): ${npm.stderr.trim()}`);
  return entry;
}

/** One file with everything in it, so that the fuzzer sees what the code does, packages included. */
async function bundle(target: FuzzTarget, folder: string): Promise<string> {
  const outfile = join(folder, `${target.name}.cjs`);
  await build({
    stdin: {
      contents:
        `import { TARGETS } from './targets/index.ts';\n` +
        `const [target] = TARGETS.find(([{ name }]) => name === ${JSON.stringify(target.name)});\n` +
        'export async function fuzz(bytes) { await target.run(Buffer.from(bytes)); }\n',
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile,
    define: { 'import.meta.url': '"file:///bundle.cjs"' },
    logLevel: 'error',
  });
  return outfile;
}

/** Lets coverage choose what to change, so many seconds for each target. Throws if one fails; its input is then kept. */
export async function guided(targets: readonly FuzzTarget[], seconds: number): Promise<void> {
  const fuzzer = installFuzzer();
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-fuzz-'));
  try {
    for (const target of targets) {
      const corpus = join(folder, `${target.name}-corpus`);
      mkdirSync(corpus, { recursive: true });
      for (const [index, seed] of seedsOf(target).entries()) writeFileSync(join(corpus, String(index)), seed);
      const words = join(folder, `${target.name}.dict`);
      writeFileSync(words, target.dictionary.map(dictionaryLine).join('\n'));
      mkdirSync(seedFolder(target), { recursive: true });
      const options = [`-max_total_time=${seconds}`, '-max_len=4096', `-dict=${words}`, '-timeout=20'];
      const args = [fuzzer, await bundle(target, folder), corpus, '--fuzz_entry_point=fuzz', '--includes=fanfare-fuzz'];
      const { status, stderr } = spawnSync(
        process.execPath,
        [...args, '--', ...options, `-artifact_prefix=${seedFolder(target)}/`],
        { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
      );
      const done = /DONE\s+cov: (\d+) .*|#(\d+)\s+DONE.*/.exec(stderr)?.[0];
      console.log(`${target.name.padEnd(14)} led by coverage: ${done ?? 'no summary'}`);
      if (status !== 0) throw new Error(`${target.name} failed, led by coverage:\n${stderr.slice(-3000)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A word as libFuzzer reads it. */
function dictionaryLine(word: string): string {
  const bytes = [...Buffer.from(word)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
  return `"${bytes.join('')}"`;
}
