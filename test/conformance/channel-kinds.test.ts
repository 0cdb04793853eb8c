import t from 'tap';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);

  const kinds: [string, boolean][] = [
    ['', false],
    ['private-', false],
    ['presence-', false],
    ['private-encrypted-', false],
    ['cache-', true],
    ['private-cache-', true],
    ['presence-cache-', true],
    ['private-encrypted-cache-', true],
  ];

  for (const [prefix, isCache] of kinds) {
    const isPresence = prefix.startsWith('presence-');
    const member = isPresence ? JSON.stringify({ user_id: '1', user_info: { name: 'Ada' } }) : undefined;

    t.test(`${prefix || 'public'}: subscribe, receive, unsubscribe`, async (t) => {
      const channel = `${prefix}${unique('c')}`;
      const client = await RawClient.connect(t, target);
      const success = await client.subscribe(channel, member);
      t.equal(success.event, 'pusher_internal:subscription_succeeded');
      t.equal(success.channel, channel);
      t.type(success.data, 'string', 'data is present, as a string');
      if (!isPresence) t.equal(success.data, '{}');
      t.notOk('user_id' in success);

      await client.fence();
      const misses = client.unread('pusher:cache_miss');
      if (isCache) {
        t.equal(misses.length, 1, 'an empty cache channel says so');
        t.equal(misses[0]?.channel, channel);
      } else t.equal(misses.length, 0, 'no cache, no miss');

      const data = isEncrypted(prefix) ? '{"nonce":"bm9uY2U=","ciphertext":"Y2lwaGVy"}' : '{"a":1}';
      await api.trigger(channel, 'message.sent', data);
      const event = await client.next(on(channel, 'message.sent'));
      t.equal(event.data, data);
      t.strictSame(Object.keys(JSON.parse(event.raw)).sort(), ['channel', 'data', 'event'], 'no user_id, no null');

      const other = `${unique('fence-')}`;
      await client.subscribe(other);
      client.unsubscribe(channel);
      await client.fence();
      await api.trigger(channel, 'after', '{}');
      await api.trigger(other, 'fence', '{}');
      await client.next(on(other, 'fence'));
      t.equal(client.unread('after').length, 0, 'nothing after unsubscribing');
    });
  }

  function isEncrypted(prefix: string): boolean {
    return prefix.startsWith('private-encrypted-');
  }

  t.test('guarded kinds want a signature, and are told apart from those that do not by the whole prefix', async (t) => {
    const client = await RawClient.connect(t, target);
    for (const [prefix] of kinds) {
      const channel = `${prefix}${unique('c')}`;
      const answer = await client.subscribe(channel, undefined, '');
      const isOpen = prefix === '' || prefix === 'cache-';
      t.equal(
        answer.event,
        isOpen ? 'pusher_internal:subscription_succeeded' : 'pusher:subscription_error',
        `${prefix || 'public'} with an empty auth`,
      );
    }
    for (const channel of [
      'privateer',
      'private',
      'presence',
      'presenced-x',
      'cache',
      'cached-x',
      'privates-x',
      'x-private-y',
    ]) {
      const answer = await client.subscribe(channel, undefined, '');
      t.equal(answer.event, 'pusher_internal:subscription_succeeded', `${channel} is public`);
      t.equal(answer.data, '{}');
    }
    await client.fence();
    const names = client.unread('pusher:cache_miss').map((frame) => String(frame.channel));
    t.ok(
      names.every((name) => name.startsWith('cache-')),
      'cached-x and cache are no cache channels',
    );
  });

  t.test('a public subscription may leave auth out, or send one that nobody reads', async (t) => {
    const client = await RawClient.connect(t, target);
    for (const data of [
      {},
      { auth: '' },
      { auth: 'nonsense' },
      { auth: null },
      { auth: '', channel_data: '{"user_id":"1"}' },
    ]) {
      const channel = unique('c');
      client.send({ event: 'pusher:subscribe', data: { channel, ...data } });
      const succeeded = await client.next(on(channel, 'pusher_internal:subscription_succeeded'));
      t.equal(succeeded.data, '{}', JSON.stringify(data));
    }
  });

  t.test('an encrypted payload passes untouched', async (t) => {
    const channel = `private-encrypted-${unique('c')}`;
    const client = await RawClient.connect(t, target);
    await client.subscribe(channel);
    const data = '{ "ciphertext":"/+a=", "nonce" : "4sVYwy4j" ,"extra":null}';
    await api.trigger(channel, 'sealed', data);
    t.equal((await client.next(on(channel, 'sealed'))).data, data);
  });
});
