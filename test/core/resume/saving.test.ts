import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { SharedState } from '../../../src/core/contracts/shared-state.ts';
import { startCore } from '../../support/core.ts';
import { app } from '../../support/unit-app.ts';
import { until } from '../../support/wait.ts';

const CONNECTIONS = 10;
const CHANNELS = 400;

t.test('sessions of many channels are saved in turns of their own, however many are due at once', async (t) => {
  let turn = 0;
  const counting = () => {
    turn += 1;
    counter = setImmediate(counting);
  };
  let counter = setImmediate(counting);
  t.teardown(() => clearImmediate(counter));
  /** The turn of the event loop in which each session was written down. */
  let savedIn: number[] = [];
  const noted = () => savedIn.push(turn);
  const through = (state: SharedState): SharedState => ({
    ...state,
    sessionStore: {
      claim: (owner) => state.sessionStore.claim(owner),
      share: (owner) => state.sessionStore.share(owner),
      save: (owner, saved) => {
        noted();
        return state.sessionStore.save(owner, saved);
      },
      release: (owner, saved) => {
        noted();
        return state.sessionStore.release(owner, saved);
      },
    },
  });
  const { core, connect } = await startCore(t, [app({ limits: { channelsAtOnce: 0 } })], through);
  const { key } = app();
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => (await connect(`/resume/${randomUUID()}/app/${key}`)).connection),
  );
  for (const connection of connections) {
    for (let at = 0; at < CHANNELS; at += 1) {
      core.connections.message(connection, `{"event":"pusher:subscribe","data":{"channel":"c${at}"}}`);
    }
  }
  const areIdle = () => connections.every(({ tasks }) => tasks.idle);
  while (!areIdle()) await new Promise(setImmediate);
  t.equal(connections[0]?.subscriptions.size, CHANNELS);
  // What was joined is saved a second later, of all connections at once.
  savedIn = [];
  await until(() => savedIn.length >= CONNECTIONS, 'all are saved');
  t.equal(new Set(savedIn).size, savedIn.length, 'while they are open');

  savedIn = [];
  for (const connection of connections) core.connections.closed(connection, false);
  await until(() => savedIn.length >= CONNECTIONS, 'all are released');
  t.equal(new Set(savedIn).size, savedIn.length, 'when all close at once');
  await until(() => connections.every(({ subscriptions }) => subscriptions.size === 0), 'all have left');
});
