import t from 'tap';
import { unique } from '../support/names.ts';
import { errorCode, on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);

  t.test('subscribing twice is an error with code null, and the first subscription stays', async (t) => {
    const client = await RawClient.connect(t, target);
    for (const channel of [unique('c'), unique('private-'), unique('cache-')]) {
      await client.subscribe(channel);
      client.sendSubscribe(channel);
      const error = await client.next('pusher:error');
      t.equal(errorCode(error), null);
      t.equal(error.channel, channel, 'it names the channel');
      t.match((error.data as { message: unknown }).message, channel, 'in its sentence too');
      await api.trigger(channel, 'one', '{}');
      await client.next(on(channel, 'one'));
      await client.fence();
      t.equal(client.unread(on(channel, 'one')).length, 0, 'events come once');
    }
  });

  t.test('unsubscribing from what is not subscribed is an error with code null, never a close', async (t) => {
    const client = await RawClient.connect(t, target);
    for (const channel of ['never-subscribed', 'private-never', 'presence-never']) {
      client.unsubscribe(channel);
      const error = await client.next('pusher:error');
      t.equal(errorCode(error), null);
      t.equal(error.channel, channel, 'it names the channel');
    }
    client.unsubscribe('x'.repeat(500));
    t.equal((await client.next('pusher:error')).channel, undefined, 'what is too long to be a name is not repeated');
    await client.fence();
    t.ok(client.isOpen);
  });

  t.test('unsubscribing has no reply, and one may subscribe again', async (t) => {
    const channel = unique('c');
    const client = await RawClient.connect(t, target);
    await client.subscribe(channel);
    client.unsubscribe(channel);
    await client.fence();
    t.equal(client.unread().length, 0);
    const again = await client.subscribe(channel);
    t.equal(again.event, 'pusher_internal:subscription_succeeded');
    await api.trigger(channel, 'back', '{}');
    await client.next(on(channel, 'back'));
  });

  t.test('every subscribe has its reply, in the order asked', async (t) => {
    const client = await RawClient.connect(t, target);
    const channels = Array.from({ length: 50 }, () => unique('c'));
    for (const channel of channels) client.sendSubscribe(channel);
    for (let i = 0; i < channels.length; i += 1) await client.next('pusher_internal:subscription_succeeded');
    const replies = client.frames.filter((frame) => frame.event === 'pusher_internal:subscription_succeeded');
    t.strictSame(
      replies.map((frame) => frame.channel),
      channels,
    );
  });

  t.test('subscribe and unsubscribe in one breath leave nothing behind', async (t) => {
    const channel = unique('c');
    const client = await RawClient.connect(t, target);
    for (let i = 0; i < 20; i += 1) {
      client.sendSubscribe(channel);
      client.unsubscribe(channel);
    }
    await client.fence();
    t.equal(client.unread('pusher:error').length, 0, 'each pair is in order');
    const { json } = await api.get(`/channels/${channel}`);
    t.match(json, { occupied: false });
  });

  t.test('events of one publisher keep their order, and reach every subscriber once', async (t) => {
    const channel = unique('c');
    const clients = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(t, target)));
    for (const client of clients) await client.subscribe(channel);
    for (let i = 0; i < 100; i += 1) await api.trigger(channel, 'n', String(i));
    await api.trigger(channel, 'end', '{}');
    for (const client of clients) {
      await client.next(on(channel, 'end'));
      t.strictSame(
        client.unread('n').map((frame) => Number(frame.data)),
        Array.from({ length: 100 }, (_, i) => i),
      );
    }
  });

  t.test('data passes byte for byte', async (t) => {
    const channel = unique('c');
    const client = await RawClient.connect(t, target);
    await client.subscribe(channel);
    const payloads = [
      '{"a":1}',
      ' { "a" : 1.0e3 , "b":[ ] }\n',
      'plain text',
      '',
      '"quoted"',
      'null',
      '123456789012345678901234567890',
      'tab\tnewline\nreturn\rbackslash\\quote"slash/',
      '\u0000\u0001\u001f\u007f\u2028\u2029\ufeff',
      'zażółć 漢字 😀 👩‍👩‍👧 e\u0301',
      '{"__proto__":{"x":1},"constructor":1}',
      '\\u0041 <script>&amp;</script>',
    ];
    for (const [i, data] of payloads.entries()) {
      await api.trigger(channel, 'bytes', data);
      t.equal((await client.next(on(channel, 'bytes'))).data, data, `payload ${i}`);
    }
  });

  t.test('event names pass as they are', async (t) => {
    const channel = unique('c');
    const client = await RawClient.connect(t, target);
    await client.subscribe(channel);
    for (const name of [
      'App\\Events\\MessageSent',
      '.message.sent',
      'with "quotes" and spaces',
      '漢字',
      'x'.repeat(200),
    ]) {
      await api.trigger(channel, name, '{}');
      t.equal(
        (await client.next((frame) => frame.channel === channel && frame.data === '{}' && frame.event === name)).event,
        name,
      );
    }
  });
});
