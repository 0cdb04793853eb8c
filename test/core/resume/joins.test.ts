import fc from 'fast-check';
import { pino } from 'pino';
import t from 'tap';
import { MemorySessionStore } from '../../../src/broker/memory/memory-session-store.ts';
import { Cluster } from '../../../src/core/cluster/cluster.ts';
import { Connection, type Subscription } from '../../../src/core/connection/connection.ts';
import { ConfiguredApps } from '../../../src/core/contracts/app.ts';
import { BrokerUnavailable } from '../../../src/core/contracts/broker.ts';
import type { ChannelLog, LoggedMessage } from '../../../src/core/contracts/channel-log.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import type { Position } from '../../../src/core/contracts/position.ts';
import { resumableTopic, topicOf } from '../../../src/core/contracts/topic.ts';
import type { Socket } from '../../../src/core/contracts/transport.ts';
import { Delivery } from '../../../src/core/delivery/delivery.ts';
import { Replay } from '../../../src/core/resume/replay.ts';
import { Resume } from '../../../src/core/resume/resume.ts';
import { channelKind } from '../../../src/protocol/channel-name.ts';
import { FakeBroker } from '../../support/fakes.ts';
import { SESSION_RETENTION, sessionOwner } from '../../support/session-bounds.ts';
import { app } from '../../support/unit-app.ts';

/**
 * A node that hears of a channel's log over a network that delays and loses messages, and clients that join with
 * positions from anywhere, in every order of events that fast-check can think of. Whatever happens, what a client sees
 * follows on its position without a hole and without a duplicate, but if it was told of a gap.
 */
const CHANNEL = 'room';
const APP = app();
const APPS = new ConfiguredApps([APP]);
const TOPIC = topicOf(APP.id, CHANNEL);
const logger = pino({ level: 'silent' });

type Step = () => Promise<void>;

/** The log that all nodes share, each call of which takes until the scheduler lets it. */
class FakeLog implements ChannelLog {
  epoch = 'e1';
  end = 10;
  entries: LoggedMessage[] = [];
  readonly sent: LoggedMessage[] = [];
  failures = 0;
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  append(step: number): void {
    const previous = this.end;
    this.end += step;
    const position = { epoch: this.epoch, offset: this.end };
    const message = { topic: TOPIC, frame: `${this.epoch} ${previous} ${this.end} }`, position, previous };
    this.entries.push(message);
    this.sent.push(message);
  }

  marker(): void {
    this.sent.push({ topic: TOPIC, frame: '', position: { epoch: this.epoch, offset: this.end } });
  }

  trim(): void {
    this.entries.splice(0, Math.ceil(this.entries.length / 2));
  }

  reset(): void {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`;
    this.end += 100;
    this.entries = [];
    this.marker();
  }

  async keep(): Promise<void> {
    await this.#call();
    this.marker();
    await this.#step();
  }

  async since(_topic: string, { epoch, offset }: Position): Promise<readonly LoggedMessage[] | undefined> {
    await this.#call();
    const reaches = epoch === this.epoch && offset >= (this.entries[0]?.previous ?? this.end);
    const found = reaches ? this.entries.filter(({ position }) => position.offset > offset) : undefined;
    await this.#step();
    return found;
  }

  async recent(): Promise<readonly LoggedMessage[]> {
    return await Promise.reject(new Error('nothing rewinds here'));
  }

  async #call(): Promise<void> {
    await this.#step();
    if (this.failures === 0) return;
    this.failures -= 1;
    throw new BrokerUnavailable('away');
  }
}

class Client {
  /** Frames of events, and of what is told of gaps. */
  readonly seen: string[] = [];
  readonly topics = new Set<string>();
  readonly from: Position;
  joined = false;

  constructor(from: Position) {
    this.from = from;
  }

  readonly socket: Socket = {
    transport: 'fake',
    send: (frame) => this.seen.push(frame),
    together: (act) => act(),
    join: (topic) => this.topics.add(topic),
    leave: (topic) => this.topics.delete(topic),
    ping: () => undefined,
    drained: async () => undefined,
    close: () => undefined,
  };
}

/** Why what the client saw is not what it was to see, or undefined. */
function complaint({ seen, from }: Client, log: FakeLog): string | undefined {
  const at = { ...from };
  let isGapKnown = false;
  for (const frame of seen) {
    if (frame.includes('fanfare:resumed')) {
      if (frame.includes('"recovered\\":false')) isGapKnown = true;
      continue;
    }
    const [epoch = '', previous, offset] = frame.split(' ');
    // After word of a gap, its end is anywhere: the node may even lag behind the one that the client comes from.
    if (epoch === at.epoch && Number(offset) <= at.offset && !isGapKnown)
      return `${frame} comes after ${at.epoch} ${at.offset}`;
    const follows = epoch === at.epoch && Number(previous) <= at.offset;
    if (!follows && !isGapKnown) return `${frame} follows on ${at.epoch} ${at.offset}, and nobody spoke of a gap`;
    Object.assign(at, { epoch, offset: Number(offset) });
    isGapKnown = false;
  }
  const isAtEnd = at.epoch === log.epoch && at.offset >= log.end;
  return isAtEnd || isGapKnown ? undefined : `it ends at ${at.epoch} ${at.offset}, the log at ${log.epoch} ${log.end}`;
}

const KINDS = ['publish', 'lose', 'join', 'leave', 'restored', 'fail', 'trim', 'reset'] as const;

interface Action {
  readonly kind: (typeof KINDS)[number];
  /** Of a publish: how far its offset is from the one before. */
  readonly step: number;
  /** Of a join: how many actions ago the client was where the log then ended. */
  readonly back: number;
  /** The node hears what was sent so far. */
  readonly isHeard: boolean;
  /** How many calls go on before the next action. */
  readonly turns: number;
}

const weights: Readonly<Record<Action['kind'], number>> = {
  publish: 8,
  lose: 2,
  join: 5,
  leave: 1,
  restored: 1,
  fail: 1,
  trim: 1,
  reset: 1,
};

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.oneof(...KINDS.map((kind) => ({ weight: weights[kind], arbitrary: fc.constant(kind) }))),
  step: fc.integer({ min: 1, max: 3 }),
  back: fc.nat(4),
  isHeard: fc.boolean(),
  turns: fc.nat(4),
});

/** Lets one at a time of all that waits go on, in an order that the numbers choose. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #choices: readonly number[];
  #turn = 0;

  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  readonly step: Step = () => new Promise((resolve) => this.#waiting.push(resolve));

  async take(count = Number.POSITIVE_INFINITY): Promise<void> {
    for (let taken = 0; taken < count; taken += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#waiting.length === 0) return;
      const choice = this.#choices[this.#turn % this.#choices.length] ?? 0;
      this.#turn += 1;
      this.#waiting.splice(choice % this.#waiting.length, 1)[0]?.();
    }
  }
}

async function play(turns: Turns, actions: readonly Action[]): Promise<void> {
  const { step } = turns;
  const log = new FakeLog(step);
  const delivery = new Delivery(log, logger);
  const clients = new Set<Client>();
  const store = new MemorySessionStore(() => SESSION_RETENTION);
  const settings = () => ({ ackIntervalSeconds: 1, checkpointSeconds: 1, windowSeconds: 100 });
  const cluster = new Cluster({ broker: new FakeBroker(), delivery, version: '', isReady: () => true, logger });
  const resume = new Resume({ settings, store, log, logged: delivery.logged, cluster, logger });
  const replay = new Replay(log, delivery.logged, resume, createMetrics());
  delivery.addTransport({
    publish: (topic, frame) => {
      const receivers = [...clients].filter((client) => client.topics.has(topic));
      for (const client of receivers) client.seen.push(frame);
      return receivers.length;
    },
  });
  // Of all that is sent, the node hears what is not lost, in its order.
  let heard = 0;
  const hear = () => {
    for (const message of log.sent.slice(heard)) delivery.deliver(message);
    heard = log.sent.length;
  };
  const positions: Position[] = [{ epoch: log.epoch, offset: log.end }];
  let joining = 0;

  const persistently = async <T>(operation: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await operation();
      } catch (error) {
        if (!(error instanceof BrokerUnavailable)) throw error;
        await step();
      }
    }
  };

  const join = async (client: Client, id: number): Promise<void> => {
    const session = `session-${id}`;
    const saved = { socketIds: [], channels: new Map([[CHANNEL, client.from]]) };
    await store.release(sessionOwner(APP.id, session, 'before'), saved);
    const { socket } = client;
    const whence = { ip: '127.0.0.1', origin: '' };
    const connection = new Connection({ apps: APPS, app: APP, socketId: `1.${id}`, ...whence, socket, nowMs: 0 });
    await resume.claim(connection, session);
    const kind = channelKind(CHANNEL);
    const subscription: Subscription = { channel: CHANNEL, topic: TOPIC, kind, member: undefined, joinedAtMs: 0 };
    let recording = delivery.record(TOPIC);
    const past = await persistently(() => {
      recording.stop();
      recording = delivery.record(TOPIC);
      return replay.prepare(connection, subscription);
    });
    if (past === undefined) throw new Error('a resumable connection gets its past');
    await step();
    const { head, messages } = replay.complete(connection, subscription, past, recording);
    recording.stop();
    if (head !== undefined) client.socket.send(head);
    for (const { frame } of messages) client.socket.send(frame);
    client.socket.join(TOPIC);
    client.socket.join(resumableTopic(TOPIC));
    client.joined = true;
  };

  delivery.logged.expect(TOPIC);
  const failures: unknown[] = [];
  const perform = (action: Action, index: number): void => {
    switch (action.kind) {
      case 'publish':
        log.append(action.step);
        break;
      case 'lose':
        hear();
        log.append(action.step);
        heard = log.sent.length;
        break;
      case 'join': {
        const client = new Client(positions.at(-1 - action.back) ?? positions[0] ?? { epoch: '', offset: 0 });
        clients.add(client);
        joining += 1;
        join(client, index)
          .catch((error: unknown) => failures.push(error))
          .finally(() => {
            joining -= 1;
          });
        break;
      }
      case 'leave':
        for (const client of clients) {
          if (!client.joined) continue;
          clients.delete(client);
          break;
        }
        break;
      case 'restored':
        resume.restored();
        break;
      case 'fail':
        log.failures += 1;
        break;
      case 'trim':
        log.trim();
        break;
      default:
        log.reset();
    }
    positions.push({ epoch: log.epoch, offset: log.end });
  };
  for (const [index, action] of actions.entries()) {
    perform(action, index);
    if (action.isHeard) hear();
    await turns.take(action.turns);
  }
  // The network is whole again, and says so.
  log.failures = 0;
  hear();
  resume.restored();
  log.marker();
  const isOver = () => joining === 0 && (clients.size === 0 || delivery.logged.position(TOPIC)?.offset === log.end);
  for (const deadline = Date.now() + 5000; !isOver() || turns.waiting > 0; ) {
    if (Date.now() > deadline) throw new Error(`${joining} joins hang, or the node stands still`);
    hear();
    await turns.take();
  }
  if (failures.length > 0) throw failures[0];
  for (const client of clients) {
    const problem = complaint(client, log);
    if (problem !== undefined)
      throw new Error(`${problem}; from ${client.from.epoch} ${client.from.offset}: ${client.seen.join(', ')}`);
  }
}

t.test('whatever happens while clients join, what they see has no hole and no duplicate', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }),
      fc.array(action, { maxLength: 25 }),
      (choices, actions) => play(new Turns(choices), actions),
    ),
    { numRuns: Number(process.env.RUNS ?? 200) },
  );
});
