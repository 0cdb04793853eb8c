import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, errorCode, type Frame, RawClient } from '../support/raw-client.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const EVENT = 'pusher_internal:watchlist_events';
  type T = Parameters<typeof RawClient.connect>[0];

  async function signedIn(t: T, id: string, watchlist?: string[]): Promise<RawClient> {
    const client = await RawClient.connect(t, target);
    const answer = await client.signIn(watchlist === undefined ? { id } : { id, watchlist });
    t.equal(answer.event, 'pusher:signin_success');
    return client;
  }

  /** `online:a` or `offline:a` for each user that a frame tells of. */
  function told(frame: Frame): string[] {
    const { events } = decoded(frame) as { events: { name: string; user_ids: string[] }[] };
    return events.flatMap((event) => event.user_ids.map((id) => `${event.name}:${id}`));
  }

  /** A last watched user comes online: whatever was told before has arrived when that has. */
  async function fence(t: T, watcher: RawClient, fenceId: string): Promise<void> {
    await signedIn(t, fenceId);
    await watcher.next((frame) => frame.event === EVENT && told(frame).includes(`online:${fenceId}`));
  }

  t.test('who is online already is told on signing in', async (t) => {
    const [present, absent, fenceId] = [unique('p'), unique('a'), unique('f')];
    await signedIn(t, present);
    const watcher = await signedIn(t, unique('w'), [present, absent, fenceId]);
    const frame = await watcher.next((frame) => frame.event === EVENT && told(frame).includes(`online:${present}`));
    t.type(frame.data, 'string');
    t.notOk('channel' in frame, 'no channel, not even null');
    t.match(decoded(frame), { events: [{ name: 'online', user_ids: [present] }] });
    await fence(t, watcher, fenceId);
    t.notOk(watcher.frames.filter((f) => f.event === EVENT).some((f) => told(f).includes(`online:${absent}`)));
  });

  t.test('online on the first connection of a user, offline on the last', async (t) => {
    const [friend, fenceId] = [unique('p'), unique('f')];
    const watcher = await signedIn(t, unique('w'), [friend, fenceId, 'nobody']);
    const one = await signedIn(t, friend);
    t.strictSame(told(await watcher.next((f) => f.event === EVENT && told(f).includes(`online:${friend}`))), [
      `online:${friend}`,
    ]);
    const two = await signedIn(t, friend);
    await one.close();
    await fence(t, watcher, fenceId);
    const between = watcher.unread(EVENT).flatMap(told);
    t.notOk(between.includes(`online:${friend}`), 'a second connection is not told');
    t.notOk(between.includes(`offline:${friend}`), 'nor is one of two that ends');
    two.cut();
    const offline = await watcher.next((f) => f.event === EVENT && told(f).includes(`offline:${friend}`));
    t.strictSame(decoded(offline), { events: [{ name: 'offline', user_ids: [friend] }] });
    await signedIn(t, friend);
    await watcher.next((f) => f.event === EVENT && told(f).includes(`online:${friend}`));
  });

  t.test('a connection that has not signed in is not online, whatever it subscribes to', async (t) => {
    const [friend, fenceId] = [unique('p'), unique('f')];
    const watcher = await signedIn(t, unique('w'), [friend, fenceId]);
    const anonymous = await RawClient.connect(t, target);
    await anonymous.subscribe(`presence-${unique('c')}`, JSON.stringify({ user_id: friend }));
    await fence(t, watcher, fenceId);
    t.notOk(watcher.frames.filter((f) => f.event === EVENT).some((f) => told(f).includes(`online:${friend}`)));
  });

  t.test('every connection of the watcher is told, those of others are not', async (t) => {
    const [watcherId, friend] = [unique('w'), unique('p')];
    const watchers = [await signedIn(t, watcherId, [friend]), await signedIn(t, watcherId, [friend])];
    const stranger = await signedIn(t, unique('s'));
    await signedIn(t, friend);
    for (const watcher of watchers)
      await watcher.next((f) => f.event === EVENT && told(f).includes(`online:${friend}`));
    await stranger.fence();
    t.equal(stranger.unread(EVENT).length, 0);
  });

  t.test('over 100 ids: success, plus a pusher:error 4302', async (t) => {
    const client = await RawClient.connect(t, target);
    const ids = Array.from({ length: 101 }, (_, i) => `${unique('u')}-${i}`);
    t.equal((await client.signIn({ id: unique('w'), watchlist: ids })).event, 'pusher:signin_success');
    t.equal(errorCode(await client.next('pusher:error')), 4302);
    const full = await RawClient.connect(t, target);
    t.equal((await full.signIn({ id: unique('w'), watchlist: ids.slice(1) })).event, 'pusher:signin_success');
    await full.fence();
    t.equal(full.unread('pusher:error').length, 0, '100 are allowed');
    t.ok(client.isOpen);
  });

  t.test('a watchlist that is none does no harm', async (t) => {
    for (const watchlist of [[], null, 'text', {}, [null, 7, {}, ''], ['__proto__', 'constructor', 'hasOwnProperty']]) {
      const client = await RawClient.connect(t, target);
      await client.signIn({ id: unique('w'), watchlist });
      await client.fence();
      t.ok(client.isOpen, JSON.stringify(watchlist));
    }
  });
});
