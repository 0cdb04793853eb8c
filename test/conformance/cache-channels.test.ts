import t from 'tap';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);
  const kinds = ['cache-', 'private-cache-', 'presence-cache-', 'private-encrypted-cache-'];
  const memberOf = (prefix: string) => (prefix.startsWith('presence-') ? '{"user_id":"1"}' : undefined);

  for (const prefix of kinds) {
    t.test(`${prefix}: a miss, then the last event to each newcomer`, async (t) => {
      const channel = `${prefix}${unique('c')}`;
      const first = await RawClient.connect(t, target);
      await first.subscribe(channel, memberOf(prefix));
      const miss = await first.next('pusher:cache_miss');
      t.equal(miss.channel, channel);
      t.notOk(miss.raw.includes('null'), 'nothing null in it');
      t.strictSame(
        first.frames.map((frame) => frame.event).slice(1),
        ['pusher_internal:subscription_succeeded', 'pusher:cache_miss'],
        'the miss comes after the success',
      );

      await api.trigger(channel, 'old', '{"n":1}');
      await api.trigger(channel, 'new', ' {"n": 2} ');
      await first.next(on(channel, 'new'));

      const second = await RawClient.connect(t, target);
      await second.subscribe(channel, memberOf(prefix));
      const cached = await second.next(on(channel, 'new'));
      t.equal(cached.data, ' {"n": 2} ', 'byte for byte');
      t.notOk(cached.raw.includes('"user_id"'));
      await second.fence();
      t.equal(second.unread('old').length, 0, 'the last alone');
      t.equal(second.unread('pusher:cache_miss').length, 0);
      await first.fence();
      t.equal(first.unread('new').length, 0, 'those already there do not get it again');
    });

    t.test(`${prefix}: an event before the first subscriber is kept`, async (t) => {
      const channel = `${prefix}${unique('c')}`;
      await api.trigger(channel, 'early', '{"early":true}');
      const client = await RawClient.connect(t, target);
      await client.subscribe(channel, memberOf(prefix));
      t.equal((await client.next(on(channel, 'early'))).data, '{"early":true}');
      t.strictSame(client.frames.map((frame) => frame.event).slice(1), [
        'pusher_internal:subscription_succeeded',
        'early',
      ]);
    });
  }

  t.test('the cache outlives the subscribers', async (t) => {
    const channel = `cache-${unique('c')}`;
    const first = await RawClient.connect(t, target);
    await first.subscribe(channel);
    await api.trigger(channel, 'kept', '1');
    await first.next('kept');
    await first.close();
    const second = await RawClient.connect(t, target);
    await second.subscribe(channel);
    await second.next(on(channel, 'kept'));
    second.unsubscribe(channel);
    await second.subscribe(channel);
    const again = await second.next(on(channel, 'kept'));
    t.equal(again.data, '1', 'on subscribing again too');
  });

  t.test('client events are not cached', async (t) => {
    for (const prefix of ['private-cache-', 'presence-cache-']) {
      const channel = `${prefix}${unique('c')}`;
      const [sender, receiver] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
      for (const client of [sender, receiver]) {
        await client.subscribe(channel, memberOf(prefix));
        await client.next('pusher:cache_miss');
      }
      await api.trigger(channel, 'served', '{}');
      await sender.next('served');
      sender.send({ event: 'client-typed', channel, data: {} });
      await receiver.next('client-typed');
      const newcomer = await RawClient.connect(t, target);
      await newcomer.subscribe(channel, memberOf(prefix));
      await newcomer.next('served');
      await newcomer.fence();
      t.equal(newcomer.unread('client-typed').length, 0, prefix);
    }
  });

  t.test('membership and success are not cached either', async (t) => {
    const channel = `presence-cache-${unique('c')}`;
    for (const user of ['1', '2', '3']) {
      const client = await RawClient.connect(t, target);
      await client.subscribe(channel, `{"user_id":"${user}"}`);
      const miss = await client.next('pusher:cache_miss');
      t.equal(miss.channel, channel, `a miss for member ${user}`);
    }
  });

  t.test('an event that leaves its sender out is cached all the same', async (t) => {
    const channel = `cache-${unique('c')}`;
    const client = await RawClient.connect(t, target);
    await client.subscribe(channel);
    await client.next('pusher:cache_miss');
    await api.trigger(channel, 'excluded', '{}', { socket_id: client.socketId });
    client.unsubscribe(channel);
    await client.subscribe(channel);
    await client.next(on(channel, 'excluded'));
    t.equal(client.unread('excluded').length, 0);
  });

  t.test('each channel has a cache of its own, and other kinds have none', async (t) => {
    const [a, b, plain] = [`cache-${unique('a')}`, `cache-${unique('b')}`, unique('plain-cache-')];
    for (const channel of [a, plain]) await api.trigger(channel, 'e', '{}');
    const client = await RawClient.connect(t, target);
    await client.subscribe(b);
    await client.next(on(b, 'pusher:cache_miss'));
    await client.subscribe(plain);
    await client.fence();
    t.strictSame(client.unread(), [], 'neither event nor miss');
  });

  t.test('a cached event larger than most arrives whole', async (t) => {
    const channel = `cache-${unique('c')}`;
    const data = JSON.stringify({ text: 'ż'.repeat(4500) });
    await api.trigger(channel, 'large', data);
    const client = await RawClient.connect(t, target);
    await client.subscribe(channel);
    t.equal((await client.next('large')).data, data);
  });
});
