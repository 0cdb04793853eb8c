import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Connection } from '../../../src/core/connection/connection.ts';
import type { SharedState } from '../../../src/core/contracts/shared-state.ts';
import { startCore } from '../../support/core.ts';
import type { FakeSocket } from '../../support/fakes.ts';
import { app } from '../../support/unit-app.ts';
import { until } from '../../support/wait.ts';

/** Each has a core of its own, and most of its time it waits. */
t.jobs = 4;

const CHANNEL = 'room';

type Name = 'claim' | 'save' | 'release';

/** A store that is far away: while a way of a call is held, what takes that way waits until the test lets it go. */
class Distance {
  /** How many calls have reached the store. */
  readonly reached = { claim: 0, save: 0, release: 0 };
  /** How many have been answered. */
  readonly answered = { claim: 0, save: 0, release: 0 };
  readonly #held = new Map<string, Promise<void>>();

  /** @returns lets go */
  hold(way: 'to' | 'from', name: Name): () => void {
    let letGo: () => void = () => undefined;
    this.#held.set(`${way} ${name}`, new Promise<void>((resolve) => (letGo = resolve)));
    return letGo;
  }

  through(state: SharedState): SharedState {
    const { sessionStore: store } = state;
    const far = async <T>(name: Name, call: () => Promise<T>): Promise<T> => {
      await this.#held.get(`to ${name}`);
      const answer = await call();
      this.reached[name] += 1;
      await this.#held.get(`from ${name}`);
      this.answered[name] += 1;
      return answer;
    };
    return {
      ...state,
      sessionStore: {
        claim: (owner) => far('claim', () => store.claim(owner)),
        save: (owner, saved) => far('save', () => store.save(owner, saved)),
        release: (owner, saved) => far('release', () => store.release(owner, saved)),
        share: (owner) => store.share(owner),
      },
    };
  }
}

/** A client that has joined a channel and was sent an event, and another connection of the same session. */
async function setUp(t: Test) {
  const distance = new Distance();
  const { core, connect } = await startCore(t, [app()], (state) => distance.through(state));
  const path = `/resume/${randomUUID()}/app/${app().key}`;
  const joins = (connection: Connection) => {
    core.connections.message(connection, `{"event":"pusher:subscribe","data":{"channel":"${CHANNEL}"}}`);
  };
  const older = await connect(path);
  joins(older.connection);
  await resumed(older.socket);
  await core.publisher.publish(app(), [{ name: 'news', channels: [CHANNEL], data: '1', socketId: undefined }]);
  return { core, distance, joins, older, newer: await connect(path), connect: () => connect(path) };
}

/** What `fanfare:resumed` says. */
async function resumed({ calls }: FakeSocket): Promise<unknown> {
  const find = () => calls.find((call) => call.includes('"fanfare:resumed"'));
  await until(() => find() !== undefined, 'the connection is told what it has recovered');
  return JSON.parse((JSON.parse(find()?.slice('send '.length) ?? '') as { data: string }).data);
}

t.test('a client is back while the end of its last connection is on its way to the store', async (t) => {
  const { core, distance, joins, older, newer } = await setUp(t);
  const letGo = distance.hold('to', 'release');
  core.connections.closed(older.connection, false);
  joins(newer.connection);
  await until(() => distance.answered.claim === 2, 'the session is claimed');
  // The store takes it from the newer one alone.
  letGo();
  t.same(await resumed(newer.socket), { recovered: true, events: 1 });
});

t.test('a connection ends between the claim of its session and the question of who has claimed it', async (t) => {
  const { core, distance, joins, older, newer } = await setUp(t);
  const letGo = distance.hold('from', 'claim');
  joins(newer.connection);
  await until(() => distance.reached.claim === 2, 'the session is claimed');
  core.connections.closed(older.connection, false);
  await until(() => older.connection.subscriptions.size === 0, 'the older connection has given up all it had');
  letGo();
  t.same(await resumed(newer.socket), { recovered: true, events: 1 });
});

t.test('a connection that cannot save any more, as its session was claimed, still says where it stands', async (t) => {
  const { distance, joins, older, newer } = await setUp(t);
  const letGo = distance.hold('from', 'claim');
  joins(newer.connection);
  await until(() => distance.reached.claim === 2, 'the session is claimed');
  await until(() => distance.answered.save === 1, 'what the older one has joined is to be saved');
  await until(() => older.connection.resumable?.superseded === true, 'it was not saved');
  letGo();
  t.same(await resumed(newer.socket), { recovered: true, events: 1 });
});

t.test('and a page that is still there is noticed then, too', async (t) => {
  const { core, distance, joins, older, newer, connect } = await setUp(t);
  const letGo = distance.hold('from', 'claim');
  joins(newer.connection);
  await until(() => older.connection.resumable?.superseded === true, 'what the older one has joined was not saved');
  letGo();
  const question = () => older.socket.pings.find((payload) => payload.startsWith('page-'));
  await until(() => question() !== undefined, 'the page is asked whether it is there');
  core.connections.pong(older.connection, question() ?? '');
  const shared = { recovered: false, reason: 'shared' };
  t.same(await resumed(newer.socket), shared);
  const third = await connect();
  joins(third.connection);
  t.same(await resumed(third.socket), shared);
});
