import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Child } from '../support/scenarios/child.ts';

const SCRIPT = fileURLToPath(new URL('../../docker/rolling-update.sh', import.meta.url));

/**
 * A `docker` that keeps its containers in a file and notes what it is asked: what the script asks of Docker, and in
 * which order, is what this test is of. What Docker makes of it is not.
 */
const DOCKER = `#!/bin/sh
echo "$*" >> "$STATE/calls"
case "$*" in
  *'ps -q fanfare') cat "$STATE/containers" ;;
  *'--scale fanfare=4 fanfare') printf 'new-1\\nnew-2\\n' >> "$STATE/containers" ;;
  inspect*) cat "$STATE/health" ;;
  'logs '*) echo 'it did not start' ;;
  'stop '*|'rm '*) ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

async function update(t: Parameters<typeof Child.start>[0], containers: string, health: string) {
  const state = mkdtempSync(join(tmpdir(), 'fanfare-rolling-'));
  t.teardown(() => rmSync(state, { recursive: true, force: true }));
  writeFileSync(join(state, 'docker'), DOCKER);
  chmodSync(join(state, 'docker'), 0o755);
  writeFileSync(join(state, 'containers'), containers);
  writeFileSync(join(state, 'health'), health);
  writeFileSync(join(state, 'calls'), '');
  const env = {
    PATH: `${state}:${process.env.PATH}`,
    ...{ STATE: state, ENV_FILE: '/dev/null', HEALTHY_WITHIN_SECONDS: '1' },
  };
  const script = await Child.start(t, 'sh', [SCRIPT], { env });
  const code = await script.exited;
  const calls = readFileSync(join(state, 'calls'), 'utf8').trim().split('\n');
  return { code, calls: calls.map((call) => call.replace(/^compose .*compose\.prod\.yml /, 'compose ')), script };
}

t.test('new replicas are healthy before the old are stopped, one after another', async (t) => {
  const { code, calls, script } = await update(t, 'old-1\nold-2\n', 'healthy');
  t.equal(code, 0, script.lines.join('\n'));
  t.strictSame(calls, [
    'compose ps -q fanfare',
    'compose up -d --no-deps --no-recreate --scale fanfare=4 fanfare',
    'compose ps -q fanfare',
    'inspect --format {{.State.Health.Status}} new-1',
    'inspect --format {{.State.Health.Status}} new-2',
    ...['stop old-1', 'rm old-1', 'stop old-2', 'rm old-2'],
  ]);
});

t.test('new replicas that do not become healthy are removed, and the old go on', async (t) => {
  const { code, calls, script } = await update(t, 'old-1\nold-2\n', 'starting');
  t.equal(code, 1);
  t.equal(calls.at(-1), 'rm --force new-1 new-2');
  t.notOk(calls.some((call) => /old/.test(call)));
  t.match(script.lines.join('\n'), /it did not start/);
});

t.test('where nothing runs there is nothing to update', async (t) => {
  const { code, calls } = await update(t, '', 'healthy');
  t.equal(code, 1);
  t.strictSame(calls, ['compose ps -q fanfare']);
});
