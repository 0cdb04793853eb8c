import { mock } from 'node:test';
import t from 'tap';
import type { Connection } from '../../../src/core/connection/connection.ts';
import { Liveness } from '../../../src/core/lifecycle/liveness.ts';
import { fakeConnection } from '../../support/fakes.ts';

const START_MS = 1_767_225_600_000;
const PING = 30;
const PONG = 15;

/** The liveness of one connection, in seconds since it was watched. */
class Clockwork {
  readonly events: string[] = [];
  readonly connection: Connection;
  readonly #liveness: Liveness;
  #second = 0;

  constructor(pingIntervalSeconds = PING, pongTimeoutSeconds = PONG) {
    mock.timers.enable({ apis: ['setInterval', 'Date'], now: START_MS });
    this.#liveness = new Liveness(
      { pingIntervalSeconds, pongTimeoutSeconds },
      () => this.events.push(`${this.#second}: ping`),
      (_, { code }) => this.events.push(`${this.#second}: close ${code}`),
    );
    this.connection = fakeConnection(this.#liveness.nowMs);
    this.#liveness.start();
    this.#liveness.watch(this.connection);
  }

  advance(seconds: number): void {
    for (let i = 0; i < seconds; i += 1) {
      this.#second += 1;
      mock.timers.tick(1000);
    }
  }

  seen(): void {
    this.#liveness.seen(this.connection);
  }

  stop(): void {
    this.#liveness.stop();
    mock.timers.reset();
  }
}

t.test('silence: a ping after the interval, 4201 after the timeout, and no more', async (t) => {
  const clock = new Clockwork();
  t.teardown(() => clock.stop());
  clock.advance(29);
  t.strictSame(clock.events, []);
  clock.advance(1);
  t.strictSame(clock.events, ['30: ping']);
  clock.advance(14);
  t.strictSame(clock.events, ['30: ping']);
  clock.advance(1);
  t.strictSame(clock.events, ['30: ping', '45: close 4201']);
  clock.connection.closed = true;
  clock.advance(300);
  t.equal(clock.events.length, 2);
});

t.test('an answer puts the next ping one interval after it', async (t) => {
  const clock = new Clockwork();
  t.teardown(() => clock.stop());
  clock.advance(31);
  clock.seen();
  clock.advance(100);
  t.strictSame(clock.events.slice(0, 2), ['30: ping', '61: ping'], 'and the first was not held against it');
  t.match(clock.events[2], 'close 4201');
});

t.test('a client that talks is never pinged', async (t) => {
  const clock = new Clockwork();
  t.teardown(() => clock.stop());
  for (let i = 0; i < 30; i += 1) {
    clock.advance(20);
    clock.seen();
  }
  t.strictSame(clock.events, []);
  clock.advance(30);
  t.strictSame(clock.events, ['630: ping'], 'until it falls silent');
});

t.test('anything that comes after a ping is an answer, at the last moment too', async (t) => {
  const clock = new Clockwork();
  t.teardown(() => clock.stop());
  clock.advance(44);
  clock.seen();
  clock.advance(29);
  t.strictSame(clock.events, ['30: ping']);
});

t.test('a timeout that is longer than the interval', async (t) => {
  const clock = new Clockwork(1, 5);
  t.teardown(() => clock.stop());
  clock.advance(20);
  t.strictSame(clock.events, ['1: ping', '6: close 4201']);
});

t.test('a connection that has closed is left alone', async (t) => {
  const clock = new Clockwork();
  t.teardown(() => clock.stop());
  clock.connection.closed = true;
  clock.advance(200);
  t.strictSame(clock.events, []);
});

t.test('many connections each have their own time', async (t) => {
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: START_MS });
  const pinged = new Map<Connection, number>();
  let second = 0;
  const liveness = new Liveness(
    { pingIntervalSeconds: 10, pongTimeoutSeconds: 5 },
    (connection) => pinged.set(connection, second),
    () => t.fail('closed'),
  );
  t.teardown(() => {
    liveness.stop();
    mock.timers.reset();
  });
  liveness.start();
  const connections: Connection[] = [];
  for (; second < 10; ) {
    const connection = fakeConnection(liveness.nowMs);
    connections.push(connection);
    liveness.watch(connection);
    second += 1;
    mock.timers.tick(1000);
  }
  for (const [index, connection] of connections.entries()) {
    if (pinged.has(connection)) liveness.seen(connection);
    if (index === connections.length - 1) break;
    second += 1;
    mock.timers.tick(1000);
    for (const [known] of pinged) liveness.seen(known);
  }
  t.strictSame(
    connections.map((connection) => pinged.get(connection)),
    connections.map((_, index) => index + 10),
  );
});
