import t from 'tap';
import type { CliContext } from '../../src/cli/context.ts';
import { stopOnSignals } from '../../src/cli/stop-signals.ts';

/** A process whose signals and clock the test holds. */
function fixture(stop: () => Promise<void>) {
  const seen = { codes: [] as number[], warnings: [] as string[] };
  let receive: (signal: NodeJS.Signals) => void = () => undefined;
  let time = 1000;
  const context: CliContext = {
    env: {},
    cwd: '/',
    isTerminal: false,
    print: () => undefined,
    warn: (line) => seen.warnings.push(line),
    onStopSignal: (listener) => {
      receive = listener;
    },
    exit: (code) => seen.codes.push(code),
  };
  stopOnSignals(context, stop, () => time);
  const signal = (name: NodeJS.Signals, afterMs = 0) => {
    time += afterMs;
    receive(name);
  };
  return { seen, signal };
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
