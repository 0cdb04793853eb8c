import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { ConfigInput } from '../../../src/config/schema.ts';
import { send } from '../signed-api.ts';
import { APP, type Target, targetAt } from '../target.ts';
import { RUN_TYPESCRIPT } from '../typescript.ts';
import { until, within } from '../wait.ts';

const SCRIPT = fileURLToPath(new URL('./replica-node.ts', import.meta.url));

/** A Fanfare in a process of its own, one of several over one Redis. */
export class Replica {
  readonly target: Target;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, port: number, app: typeof APP) {
    this.#child = child;
    this.target = targetAt(`http://127.0.0.1:${port}`, app);
  }

  async isReady(): Promise<boolean> {
    return (await send(this.target.origin, 'GET', '/ready')).status === 200;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** As a crash. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

export const LEASE_SECONDS = 1;

/** So many replicas over one Redis, ready for clients; they end with the test. */
export async function startReplicas(
  t: Test,
  redisUrl: string,
  count: number,
  settings: Partial<ConfigInput> = {},
): Promise<Replica[]> {
  const [app = APP] = settings.apps ?? [];
  const config = {
    host: '127.0.0.1',
    port: 0,
    shutdownGraceSeconds: 0,
    auth: { enabled: false },
    admin: { enabled: false },
    log: { level: process.env.TEST_LOG ?? 'silent' },
    redis: { url: redisUrl, leaseSeconds: LEASE_SECONDS, acceptTimeoutSeconds: 0.5, lingerSeconds: 0.5 },
    ...settings,
    apps: [app],
  };
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const child = fork(SCRIPT, [JSON.stringify(config)], { execArgv: [RUN_TYPESCRIPT] });
      t.teardown(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      });
      const [port] = (await within(once(child, 'message'), 'a replica listens', 20_000)) as [number];
      const replica = new Replica(child, port, { ...app, id: String(app.id) });
      await until(() => replica.isReady(), 'the replica is ready');
      return replica;
    }),
  );
}
