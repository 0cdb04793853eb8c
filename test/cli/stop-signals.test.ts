import t from 'tap';
import type { CliContext } from '../../src/cli/context.ts';
import { stopInGoodOrder } from '../../src/cli/stop-signals.ts';
import { until } from '../support/wait.ts';

/** A process whose signals and clock the test holds. */
function fixture(stop: () => Promise<void>, { survives = false, limitMs = 60_000 } = {}) {
  const seen = { codes: [] as number[], warnings: [] as string[] };
  let fail: (error: unknown) => void = () => undefined;
  let receive: (signal: NodeJS.Signals) => void = () => undefined;
  let time = 1000;
  const context: CliContext = {
    env: {},
    cwd: '/',
    isTerminal: false,
    print: () => undefined,
    warn: (line) => seen.warnings.push(line),
    outliveOutput: () => undefined,
    onStopSignal: (listener) => {
      receive = listener;
    },
    onReloadSignal: () => undefined,
    onUncaught: (listener) => {
      fail = listener;
    },
    exit: (code) => seen.codes.push(code),
  };
  stopInGoodOrder(context, { stop, survives: () => survives }, { limitMs: () => limitMs, now: () => time });
  const signal = (name: NodeJS.Signals, afterMs = 0) => {
    time += afterMs;
    receive(name);
  };
  return { seen, signal, fail: (error: unknown) => fail(error) };
}

t.test('the first signal stops, once, and then exits with 0', async (t) => {
  let finish: () => void = () => undefined;
  let stops = 0;
  const stopped = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { seen, signal } = fixture(() => {
    stops++;
    return stopped;
  });
  signal('SIGINT');
  signal('SIGINT', 5);
  signal('SIGTERM', 400);
  t.same({ stops, ...seen }, { stops: 1, codes: [], warnings: [] });
  finish();
  await stopped;
  t.same(seen.codes, [0]);
});

t.test('a later signal exits at once', async (t) => {
  const ever = new Promise<void>(() => undefined);
  const interrupted = fixture(() => ever);
  interrupted.signal('SIGTERM');
  interrupted.signal('SIGINT', 501);
  t.same(interrupted.seen.codes, [130]);
  const terminated = fixture(() => ever);
  terminated.signal('SIGINT');
  terminated.signal('SIGTERM', 60_000);
  t.same(terminated.seen.codes, [143]);
});

t.test('a stop that fails is told, with exit code 1', async (t) => {
  const failure = Promise.reject(new Error('no way'));
  const { seen, signal } = fixture(() => failure);
  signal('SIGTERM');
  await failure.catch(() => undefined);
  t.same(seen, { codes: [1], warnings: ['Stopping failed: no way'] });
});

t.test('a fault of the server stops in good order, once, and exits with 1', async (t) => {
  let stops = 0;
  const stopped = Promise.resolve();
  const { seen, fail } = fixture(() => {
    stops++;
    return stopped;
  });
  fail(new Error('ours'));
  fail(new Error('another'));
  await stopped;
  t.same({ stops, ...seen }, { stops: 1, codes: [1], warnings: [] });
});

t.test('a fault that the server survives changes nothing', async (t) => {
  const { seen, fail } = fixture(async () => void t.fail('not stopped'), { survives: true });
  fail(new Error('of a rule'));
  t.same(seen, { codes: [], warnings: [] });
});

t.test('a stop that hangs ends in time', async (t) => {
  const ever = new Promise<void>(() => undefined);
  const { seen, signal } = fixture(() => ever, { limitMs: 20 });
  signal('SIGTERM');
  await until(() => seen.codes.length > 0, 'the exit');
  t.same(seen, { codes: [1], warnings: ['Stopping failed: it took longer than 0.02 s'] });
});
