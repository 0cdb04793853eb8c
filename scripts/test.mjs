/**
 * `npm test`: looks for what the tests need beyond npm, then type-checks, lints and runs every test. Its last line is
 * `N passed, N failed`, where a failed type-check or lint counts as one failure.
 *
 * `npm test -- test/protocol/frames.test.ts` hands its arguments to tap and does nothing else.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Programs that the tests start, by the Debian package that brings them. */
const NEEDED = [
  { command: 'redis-server', aptPackage: 'redis-server', purpose: 'the tests of replicas' },
  { command: 'nginx', aptPackage: 'nginx-light', purpose: 'the tests behind a reverse proxy' },
  { command: 'chromium', aptPackage: 'chromium', purpose: 'the tests with browsers' },
  { command: 'prometheus', aptPackage: 'prometheus', purpose: 'the tests of metrics, alerts and dashboard' },
];

/** nginx stands in a folder that only root has on its path. */
const searchPath = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].filter(Boolean).join(delimiter);
const environment = { ...process.env, PATH: searchPath };

function isInstalled(command) {
  return searchPath.split(delimiter).some((folder) => isExecutable(join(folder, command)));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(error.code)) return false;
    throw error;
  }
}

function run(command, args, options = {}) {
  const { error, status } = spawnSync(command, args, {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  });
  if (error !== undefined) throw error;
  return status === 0;
}

/** The script of a package's command: run by this Node, it needs no shell on any platform. */
function script(packageName, command) {
  const folder = join(ROOT, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

function findPrograms() {
  let missing = NEEDED.filter(({ command }) => !isInstalled(command));
  if (missing.length > 0 && process.getuid?.() === 0 && isInstalled('apt-get')) {
    const packages = missing.map(({ aptPackage }) => aptPackage);
    console.log(`Installing what the tests need: ${packages.join(', ')}`);
    const apt = { env: { ...environment, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] };
    run('apt-get', ['update'], apt);
    run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], apt);
    missing = missing.filter(({ command }) => !isInstalled(command));
  }
  if (missing.length === 0) return;
  for (const { command, purpose } of missing) console.error(`Missing: ${command}, for ${purpose}`);
  const packages = missing.map(({ aptPackage }) => aptPackage).join(' ');
  console.error(`Install it and run again. On Debian and Ubuntu: apt-get install --no-install-recommends ${packages}`);
  finish(0, missing.length);
}

/** tap is built with plugins that this project turns off; until it is built anew they would run once more. */
function buildTap() {
  const tap = script('tap', 'tap');
  const { stdout } = spawnSync(process.execPath, [tap, 'versions'], { cwd: ROOT, encoding: 'utf8' });
  if (stdout.includes('@tapjs/typescript')) run(process.execPath, [tap, 'build']);
}

/**
 * Runs tap and shows a line for each file and whatever failed. Its own reporters either say everything or redraw the
 * screen, which leaves a log unreadable.
 *
 * @returns what tap counted, and whether it was content: a run can also fail without a failed assertion
 */
async function runTap(args) {
  // One more than there are cores, as most files wait more than they compute.
  const jobs = `--jobs=${Math.max(2, availableParallelism() + 1)}`;
  const tap = spawn(process.execPath, [script('tap', 'tap'), '--reporter=tap', jobs, ...args], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(tap, 'close');
  let counts = { passed: 0, failed: 0 };
  /** The end of the diagnosis that is being shown. */
  let diagnosisEnd;
  let lastFailure;
  for await (const line of createInterface({ input: tap.stdout })) {
    if (line === lastFailure?.diagnosisStart) diagnosisEnd = lastFailure.diagnosisEnd;
    const failure = /^(\s*)not ok /.exec(line);
    lastFailure =
      failure === null ? undefined : { diagnosisStart: `${failure[1]}  ---`, diagnosisEnd: `${failure[1]}  ...` };
    const ofFile = /^\S/.test(line) && !/^(TAP version|1\.\.|# Subtest|# No coverage)/.test(line);
    if (failure !== null || diagnosisEnd !== undefined || ofFile) console.log(line);
    if (line === diagnosisEnd) diagnosisEnd = undefined;
    const summary = /^# \{ total: (\d+), pass: (\d+)/.exec(line);
    if (summary !== null) counts = { passed: Number(summary[2]), failed: Number(summary[1]) - Number(summary[2]) };
  }
  const [exitCode] = await closed;
  return { ...counts, contented: exitCode === 0 };
}

function finish(passed, failed) {
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

const args = process.argv.slice(2);
let failedChecks = 0;
if (args.length === 0) {
  findPrograms();
  for (const project of ['tsconfig.json', 'console/tsconfig.json']) {
    if (!run(process.execPath, [script('typescript', 'tsc'), '-p', project])) failedChecks += 1;
  }
  if (!run(process.execPath, [script('@biomejs/biome', 'biome'), 'check', '--error-on-warnings', '.']))
    failedChecks += 1;
}
buildTap();
// The server serves the helper for browsers as it is bundled.
if (!run(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), '--bundles'])) finish(0, failedChecks + 1);
const { passed, failed, contented } = await runTap(args);
if (!contented && failed === 0) console.error('tap failed without a failed assertion: see above');
finish(passed, failedChecks + (contented ? failed : Math.max(1, failed)));
