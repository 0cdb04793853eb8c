import type { Test } from 'tap';
import type { Position } from '../../src/core/contracts/position.ts';
import {
  type SavedSession,
  type SessionBounds,
  type SessionOwner,
  type SessionStore,
  sessionBytes,
} from '../../src/core/contracts/session-store.ts';
import { unique } from '../support/names.ts';
import { sessionOwner as owner, SESSION_BOUNDS } from '../support/session-bounds.ts';
import { until } from '../support/wait.ts';

/** Stores that share their state, as nodes do; the same one twice if there is no sharing. */
export type StartStores = (
  t: Test,
  retentionSeconds: number,
  bounds: SessionBounds,
) => Promise<readonly [SessionStore, SessionStore]>;

function session(channels: Record<string, Position>, socketIds: readonly string[] = ['1.1']): SavedSession {
  return { socketIds, channels: new Map(Object.entries(channels)) };
}

/** Gives what was saved. */
async function claim(store: SessionStore, by: SessionOwner): Promise<SavedSession | undefined> {
  return (await store.claim(by)).saved;
}

/** core/contracts/session-store.ts, for whichever implementation. */
export async function sessionStoreContract(t: Test, startWithin: StartStores): Promise<void> {
  const start = (t: Test, retentionSeconds: number) => startWithin(t, retentionSeconds, SESSION_BOUNDS);

  await t.test('an unknown session has nothing saved, and is claimed all the same', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    t.equal(await claim(here, owner('app', name, '1.1')), undefined);
    t.equal(await there.save(owner('app', name, '2.2'), session({})), false, 'another may not save it');
    t.equal(await here.save(owner('app', name, '1.1'), session({})), true);
  });

  await t.test('what was saved is given to whoever claims it, as it was', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    const saved = session(
      {
        'private-räum;1': { epoch: 'a_-1', offset: 0 },
        '#server-to-user-"x"': { epoch: 'b', offset: 2 ** 53 - 1 },
      },
      ['1.1', '2.2'],
    );
    await claim(here, owner('app', name, '2.2'));
    await here.save(owner('app', name, '2.2'), saved);
    t.same(await claim(there, owner('app', name, '3.3')), saved);
    t.same(await claim(there, owner('app', name, '4.4')), saved, 'and to the next, if nothing is saved in between');
  });

  await t.test('channels keep the order in which they were saved', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    const names = ['z', '10', '9', 'a'];
    const saved = session(Object.fromEntries(names.map((channel) => [`c-${channel}`, { epoch: 'e', offset: 1 }])));
    await claim(here, owner('app', name, '1.1'));
    await here.save(owner('app', name, '1.1'), saved);
    const claimed = await claim(there, owner('app', name, '2.2'));
    t.same(
      [...(claimed?.channels.keys() ?? [])],
      names.map((channel) => `c-${channel}`),
    );
  });

  await t.test('a session without channels is a known one', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    await claim(here, owner('app', name, '1.1'));
    await here.save(owner('app', name, '1.1'), session({}));
    t.same(await claim(there, owner('app', name, '2.2')), session({}));
  });

  await t.test('who has lost a session to another can no longer save', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    const newer = session({ room: { epoch: 'e', offset: 2 } });
    await claim(here, owner('app', name, '1.1'));
    await claim(there, owner('app', name, '2.2'));
    t.equal(await there.save(owner('app', name, '2.2'), newer), true);
    t.equal(await here.save(owner('app', name, '1.1'), session({ room: { epoch: 'e', offset: 1 } })), false);
    t.same(await claim(here, owner('app', name, '3.3')), newer);
  });

  await t.test(
    'a session is held by the node of the connection that claimed it last, until it is released',
    async (t) => {
      const [here, there] = await start(t, 60);
      const name = unique('session');
      const [first, second, third] = ['1.1', '2.2', '3.3'].map((socketId) => owner('app', name, socketId));
      if (first === undefined || second === undefined || third === undefined) throw new Error('three owners');
      t.equal((await here.claim({ ...first, node: 'a' })).holder, undefined, 'nobody had it');
      t.equal((await here.claim({ ...first, node: 'a' })).holder, undefined, 'a claim may be repeated');
      t.equal((await there.claim({ ...second, node: 'b' })).holder, 'a');
      t.equal(await there.save({ ...second, node: 'b' }, session({})), true);
      t.equal((await here.claim({ ...third, node: 'a' })).holder, 'b', 'saving releases nothing');
      t.equal(await there.release({ ...second, node: 'b' }, session({})), false, 'it has lost the session');
      t.equal(await here.release({ ...third, node: 'a' }, session({ room: { epoch: 'e', offset: 1 } })), true);
      const claimed = await there.claim({ ...first, node: 'b' });
      t.equal(claimed.holder, undefined);
      t.same(claimed.saved, session({ room: { epoch: 'e', offset: 1 } }));
    },
  );

  await t.test('a shared session stays one, and takes nothing that would be saved', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    await here.claim(owner('app', name, '1.1'));
    await here.save(owner('app', name, '1.1'), session({}));
    t.equal((await there.claim(owner('app', name, '2.2'))).isShared, false);
    // By whichever of the two finds out.
    await here.share(owner('app', name, '1.1'));
    t.equal(await there.save(owner('app', name, '2.2'), session({ room: { epoch: 'e', offset: 1 } })), false);
    t.equal(await there.release(owner('app', name, '2.2'), session({})), false);
    for (const store of [here, there]) t.equal((await store.claim(owner('app', name, '3.3'))).isShared, true);
    const unknown = unique('session');
    await here.share(owner('app', unknown, '1.1'));
    t.equal(
      (await here.claim(owner('app', unknown, '1.1'))).isShared,
      false,
      'one that nobody has claimed is not kept',
    );
  });

  await t.test('apps have sessions of their own', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    await claim(here, owner('one', name, '1.1'));
    await here.save(owner('one', name, '1.1'), session({ room: { epoch: 'e', offset: 1 } }));
    t.equal(await claim(there, owner('two', name, '2.2')), undefined);
    t.equal(await here.save(owner('one', name, '1.1'), session({})), true);
  });

  await t.test('it is forgotten some time after it was last saved', async (t) => {
    const [here, there] = await start(t, 1);
    const name = unique('session');
    await claim(here, owner('app', name, '1.1'));
    await here.save(owner('app', name, '1.1'), session({}));
    let look = 0;
    await until(async () => {
      // Claiming a session is a use of it, so each look is at one of its own.
      const other = `${name}-${look}`;
      look += 1;
      await claim(here, owner('app', other, '1.1'));
      await here.save(owner('app', other, '1.1'), session({}));
      await new Promise((resolve) => setTimeout(resolve, 1100));
      return (await claim(there, owner('app', other, '2.2'))) === undefined;
    }, 'an old session is forgotten');
    t.equal(await claim(there, owner('app', name, '2.2')), undefined);
  });

  await t.test('of a session with too many channels, or too many bytes, the last ones are kept', async (t) => {
    const names = Array.from({ length: 30 }, (_, index) => `c${index}`);
    const ofLength = (length: number) =>
      session(Object.fromEntries(names.map((channel) => [channel.padEnd(length, 'ä'), { epoch: 'e', offset: 1 }])), [
        '1.1',
        '2.2',
      ]);
    const kept = async (bounds: Partial<SessionBounds>, saved: SavedSession) => {
      const [here, there] = await startWithin(t, 60, { ...SESSION_BOUNDS, ...bounds });
      const name = unique('session');
      await claim(here, owner('app', name, '1.1'));
      t.equal(await here.save(owner('app', name, '1.1'), saved), true);
      const claimed = await claim(there, owner('app', name, '2.2'));
      t.same(claimed?.socketIds, saved.socketIds);
      return [...(claimed?.channels.keys() ?? [])].map((channel) => channel.replaceAll('ä', ''));
    };
    t.same(await kept({ maxChannels: 30 }, ofLength(0)), names);
    t.same(await kept({ maxChannels: 7 }, ofLength(0)), names.slice(-7));
    const long = ofLength(200);
    const maxBytes = Math.floor(sessionBytes(long) / 2);
    const some = await kept({ maxBytes }, long);
    t.ok(some.length > 5 && some.length < 16, `${some.length} of 30 fit into half the bytes`);
    t.same(some, names.slice(-some.length));
  });

  await t.test('an address that has left too much loses what it saved the longest ago', async (t) => {
    const saved = session({ ['c'.repeat(200)]: { epoch: 'e', offset: 1 } });
    const maxBytesPerAddress = sessionBytes(saved) * 3.5;
    const [here, there] = await startWithin(t, 60, { ...SESSION_BOUNDS, maxBytesPerAddress });
    const [greedy, other] = [unique('address'), unique('address')];
    const names = Array.from({ length: 10 }, () => unique('session'));
    const mine = unique('session');
    await claim(here, owner('app', mine, '9.9', other));
    await here.save(owner('app', mine, '9.9', other), saved);
    for (const [index, name] of names.entries()) {
      const store = index % 2 === 0 ? here : there;
      await claim(store, owner('app', name, '1.1', greedy));
      await store.save(owner('app', name, '1.1', greedy), saved);
      // The first is in use all the while.
      const first = session({ ['c'.repeat(200)]: { epoch: 'e', offset: 1 }, d: { epoch: 'e', offset: index } });
      await store.save(owner('app', names[0] ?? '', '1.1', greedy), index % 2 === 0 ? first : saved);
    }
    t.same(await claim(there, owner('app', mine, '8.8', other)), saved, 'another address keeps what it has');
    const left = [];
    for (const name of names) if ((await claim(there, owner('app', name, '2.2', other))) !== undefined) left.push(name);
    t.ok(left.length >= 2 && left.length <= 3, `${left.length} of 10 are left`);
    t.ok(left.includes(names[0] ?? ''), 'the one that was saved again and again');
    t.ok(left.includes(names[9] ?? ''), 'and the newest');
  });

  await t.test('sessions that were claimed and never saved count as well', async (t) => {
    const saved = session({ room: { epoch: 'e', offset: 1 } });
    const [here, there] = await startWithin(t, 60, { ...SESSION_BOUNDS, maxBytesPerAddress: 40_000 });
    const [address, name] = [unique('address'), unique('session')];
    await claim(here, owner('app', name, '1.1', address));
    await here.save(owner('app', name, '1.1', address), saved);
    for (let claimed = 0; claimed < 100; claimed += 1) {
      await claim(here, owner('app', unique('session'), '1.1', address));
    }
    t.equal(await claim(there, owner('app', name, '2.2', address)), undefined, 'the oldest has made room');
  });

  await t.test('who comes back from another address takes what is charged along', async (t) => {
    const saved = session({ ['c'.repeat(200)]: { epoch: 'e', offset: 1 } });
    const maxBytesPerAddress = sessionBytes(saved) * 2.5;
    const [here, there] = await startWithin(t, 60, { ...SESSION_BOUNDS, maxBytesPerAddress });
    const [home, away, name] = [unique('address'), unique('address'), unique('session')];
    await claim(here, owner('app', name, '1.1', home));
    await here.save(owner('app', name, '1.1', home), saved);
    await claim(there, owner('app', name, '2.2', away));
    await there.save(owner('app', name, '2.2', away), saved);
    for (let more = 0; more < 5; more += 1) {
      const newer = unique('session');
      await claim(here, owner('app', newer, '1.1', home));
      await here.save(owner('app', newer, '1.1', home), saved);
    }
    t.same(await claim(here, owner('app', name, '3.3', home)), saved, 'whoever is at home has no part in it');
  });
}
