import type { Test } from 'tap';
import type { Position } from '../../src/core/contracts/position.ts';
import type { SavedSession, SessionStore } from '../../src/core/contracts/session-store.ts';
import { unique } from '../support/names.ts';
import { until } from '../support/wait.ts';

/** Stores that share their state, as nodes do; the same one twice where there is no sharing. */
export type StartStores = (t: Test, retentionSeconds: number) => Promise<readonly [SessionStore, SessionStore]>;

function session(channels: Record<string, Position>, socketIds: readonly string[] = ['1.1']): SavedSession {
  return { socketIds, channels: new Map(Object.entries(channels)) };
}

/** core/contracts/session-store.ts, for whichever implementation. */
export async function sessionStoreContract(t: Test, start: StartStores): Promise<void> {
  await t.test('an unknown session has nothing saved, and is claimed all the same', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    t.equal(await here.claim('app', name, '1.1'), undefined);
    t.equal(await there.save('app', name, '2.2', session({})), false, 'another may not save it');
    t.equal(await here.save('app', name, '1.1', session({})), true);
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
    await here.claim('app', name, '2.2');
    await here.save('app', name, '2.2', saved);
    t.same(await there.claim('app', name, '3.3'), saved);
    t.same(await there.claim('app', name, '4.4'), saved, 'and to the next, if nothing is saved in between');
  });

  await t.test('channels keep the order in which they were saved', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    const names = ['z', '10', '9', 'a'];
    const saved = session(Object.fromEntries(names.map((channel) => [`c-${channel}`, { epoch: 'e', offset: 1 }])));
    await here.claim('app', name, '1.1');
    await here.save('app', name, '1.1', saved);
    const claimed = await there.claim('app', name, '2.2');
    t.same(
      [...(claimed?.channels.keys() ?? [])],
      names.map((channel) => `c-${channel}`),
    );
  });

  await t.test('a session without channels is a known one', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    await here.claim('app', name, '1.1');
    await here.save('app', name, '1.1', session({}));
    t.same(await there.claim('app', name, '2.2'), session({}));
  });

  await t.test('who has lost a session to another can no longer save', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    const newer = session({ room: { epoch: 'e', offset: 2 } });
    await here.claim('app', name, '1.1');
    await there.claim('app', name, '2.2');
    t.equal(await there.save('app', name, '2.2', newer), true);
    t.equal(await here.save('app', name, '1.1', session({ room: { epoch: 'e', offset: 1 } })), false);
    t.same(await here.claim('app', name, '3.3'), newer);
  });

  await t.test('apps have sessions of their own', async (t) => {
    const [here, there] = await start(t, 60);
    const name = unique('session');
    await here.claim('one', name, '1.1');
    await here.save('one', name, '1.1', session({ room: { epoch: 'e', offset: 1 } }));
    t.equal(await there.claim('two', name, '2.2'), undefined);
    t.equal(await here.save('one', name, '1.1', session({})), true);
  });

  await t.test('it is forgotten some time after it was last saved', async (t) => {
    const [here, there] = await start(t, 1);
    const name = unique('session');
    await here.claim('app', name, '1.1');
    await here.save('app', name, '1.1', session({}));
    let owner = 0;
    await until(async () => {
      // Claiming a session is a use of it, so each look is at one of its own.
      const other = `${name}-${owner}`;
      owner += 1;
      await here.claim('app', other, '1.1');
      await here.save('app', other, '1.1', session({}));
      await new Promise((resolve) => setTimeout(resolve, 1100));
      return (await there.claim('app', other, '2.2')) === undefined;
    }, 'an old session is forgotten');
    t.equal(await there.claim('app', name, '2.2'), undefined);
  });
}
