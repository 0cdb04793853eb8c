import t, { type Test } from 'tap';
import { BrokerUnavailable } from '../../../src/core/contracts/broker.ts';
import type { SharedState } from '../../../src/core/contracts/shared-state.ts';
import { startCore } from '../../support/core.ts';

const CHANNEL = 'cache-room';
const TOPIC = `app-id/${CHANNEL}`;

interface Call {
  readonly name: string;
  /** Carries it out, and answers. */
  answer(): void;
  fail(error: Error): void;
}

/** State whose calls are answered when the test says so. */
function gated(state: SharedState) {
  const calls: Call[] = [];
  const gate = <T>(name: string, call: () => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      calls.push({ name, answer: () => void call().then(resolve, reject), fail: reject });
    });
  const { broker, roster, log } = state;
  const shared: SharedState = {
    ...state,
    broker: {
      start: (deliver, restored) => broker.start(deliver, restored),
      subscribe: (topic) => gate('subscribe', () => broker.subscribe(topic)),
      unsubscribe: (topic) => broker.unsubscribe(topic),
      publish: (messages) => broker.publish(messages),
      cached: (topic) => gate('cached', () => broker.cached(topic)),
      isReady: () => broker.isReady(),
      close: () => broker.close(),
    },
    roster: {
      enter: (entry, admit) => gate('enter', () => roster.enter(entry, admit)),
      leave: (topic, socketId) => roster.leave(topic, socketId),
      signIn: (appId, userId, socketId) => roster.signIn(appId, userId, socketId),
      signOut: (appId, userId, socketId) => roster.signOut(appId, userId, socketId),
      online: (appId, userIds) => roster.online(appId, userIds),
      channels: (appId, prefix) => roster.channels(appId, prefix),
      counts: (topics) => roster.counts(topics),
      userIds: (topic) => roster.userIds(topic),
      close: () => roster.close(),
    },
    log: {
      keep: (topic) => gate('keep', () => log.keep(topic)),
      since: (topic, position) => gate('since', () => log.since(topic, position)),
      recent: (topic, events, seconds) => gate('recent', () => log.recent(topic, events, seconds)),
    },
  };
  return { shared, calls };
}

const turn = () => new Promise(setImmediate);

/** A client that was on the channel before, and now comes back to a node that has nobody there. */
async function comeBack(t: Test) {
  let calls: Call[] = [];
  const { core, state, connect } = await startCore(t, undefined, (whole) => {
    const { shared, calls: made } = gated(whole);
    calls = made;
    return shared;
  });
  const open = async () => {
    const { connection, socket } = await connect(`/resume/${'t'.repeat(22)}/app/app-key`);
    core.connections.message(connection, `{"event":"pusher:subscribe","data":{"channel":"${CHANNEL}"}}`);
    await turn();
    return { connection, socket };
  };
  const answerAll = async (ofNames?: readonly string[]) => {
    for (const call of calls.splice(0)) {
      if (ofNames === undefined || ofNames.includes(call.name)) call.answer();
      else calls.push(call);
    }
    await turn();
    await turn();
  };
  const first = await open();
  while (calls.length > 0) await answerAll();
  t.equal(first.connection.subscriptions.size, 1);
  core.connections.closed(first.connection, false);
  await turn();
  await state.broker.publish([{ topic: TOPIC, frame: '{"event":"missed"}', durable: true }]);
  const { connection, socket } = await open();
  return { state, calls, connection, socket, answerAll, namesOf: () => calls.map(({ name }) => name).sort() };
}

t.test('a join asks at once for what does not depend on one another', async (t) => {
  const { namesOf, answerAll, socket, connection } = await comeBack(t);
  t.same(namesOf(), ['subscribe'], 'nothing is read of a channel that is not heard yet');
  await answerAll();
  t.same(namesOf(), ['cached', 'enter', 'keep', 'since']);
  await answerAll(['enter']);
  t.equal(connection.subscriptions.size, 0, 'counted, and not admitted before the past has been read');
  await answerAll();
  t.same(namesOf(), []);
  t.equal(connection.subscriptions.size, 1);
  const sent = socket.calls.filter((call) => call.startsWith('send') || call === `join ${TOPIC}`);
  t.match(sent.slice(1), [/subscription_succeeded/, /resumed.*recovered.*true/, /missed/, /^join/]);
});

t.test('what cannot be read counts nobody', async (t) => {
  const { calls, namesOf, answerAll, state, connection } = await comeBack(t);
  await answerAll();
  await answerAll(['enter', 'keep']);
  t.equal((await state.roster.counts([TOPIC]))[0]?.subscriptionCount, 1);
  for (const call of calls.splice(0)) call.fail(new BrokerUnavailable('away'));
  await turn();
  await turn();
  t.equal((await state.roster.counts([TOPIC]))[0]?.subscriptionCount, 0);
  t.equal(connection.subscriptions.size, 0);
  t.same(namesOf(), [], 'it is tried again after a while');
});
