import t from 'tap';
import { unique } from '../support/names.ts';
import { errorCode, on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);
  type T = Parameters<typeof RawClient.connect>[0];

  /** Two connections of one channel: who sends, and who should hear of it. */
  async function pair(t: T, channel: string, members: [string?, string?] = []): Promise<[RawClient, RawClient]> {
    const sender = await RawClient.connect(t, target);
    const receiver = await RawClient.connect(t, target);
    await sender.subscribe(channel, members[0]);
    await receiver.subscribe(channel, members[1]);
    await sender.fence();
    return [sender, receiver];
  }

  t.test('on a private channel: to the others, without a user_id', async (t) => {
    for (const prefix of ['private-', 'private-cache-']) {
      const channel = `${prefix}${unique('c')}`;
      const [sender, receiver] = await pair(t, channel);
      sender.send({ event: 'client-typing', channel, data: '{"a":1}' });
      const event = await receiver.next('client-typing');
      t.strictSame(JSON.parse(event.raw), { event: 'client-typing', channel, data: '{"a":1}' });
      await api.trigger(channel, 'fence', '{}');
      await sender.next('fence');
      t.equal(sender.unread('client-typing').length, 0, 'the sender is left out');
      t.equal(sender.unread('pusher:error').length, 0);
    }
  });

  t.test('on a presence channel: with the user_id of the sender, top-level, a string', async (t) => {
    for (const prefix of ['presence-', 'presence-cache-']) {
      const channel = `${prefix}${unique('c')}`;
      const [sender, receiver] = await pair(t, channel, ['{"user_id":7}', '{"user_id":"8"}']);
      sender.send({ event: 'client-typing', channel, data: '{"a":1}' });
      const event = await receiver.next('client-typing');
      t.strictSame(JSON.parse(event.raw), { event: 'client-typing', channel, data: '{"a":1}', user_id: '7' });
      receiver.send({ event: 'client-typing', channel, data: '{}' });
      t.equal((await sender.next('client-typing')).user_id, '8');
    }
  });

  t.test('a user_id that the sender made up is not passed on', async (t) => {
    const presence = `presence-${unique('c')}`;
    const [sender, receiver] = await pair(t, presence, ['{"user_id":"me"}', '{"user_id":"you"}']);
    sender.send({ event: 'client-x', channel: presence, data: '{}', user_id: 'boss' });
    t.equal((await receiver.next('client-x')).user_id, 'me');
    const secret = `private-${unique('c')}`;
    const [from, to] = await pair(t, secret);
    from.send({ event: 'client-x', channel: secret, data: '{}', user_id: 'boss', extra: 1 });
    t.strictSame(Object.keys(JSON.parse((await to.next('client-x')).raw)).sort(), ['channel', 'data', 'event']);
  });

  t.test('the sender is left out, its other connections are not', async (t) => {
    const channel = `presence-${unique('c')}`;
    const [sender, sameUser] = await pair(t, channel, ['{"user_id":"1"}', '{"user_id":"1"}']);
    sender.send({ event: 'client-x', channel, data: '{}' });
    t.equal((await sameUser.next('client-x')).user_id, '1');
  });

  t.test('data that is a string passes byte for byte, anything else stringified', async (t) => {
    const channel = `private-${unique('c')}`;
    const [sender, receiver] = await pair(t, channel);
    for (const data of [' { "a" : 1.0 } ', 'text', '']) {
      sender.send({ event: 'client-text', channel, data });
      t.equal((await receiver.next('client-text')).data, data);
    }
    for (const data of [{ a: [1, { b: 'ż😀"' }] }, [], {}, 7, false]) {
      sender.send({ event: 'client-value', channel, data });
      const event = await receiver.next('client-value');
      t.type(event.data, 'string', 'Swift sees nil otherwise');
      t.strictSame(JSON.parse(String(event.data)), data);
    }
  });

  t.test('refusals: a pusher:error with code null, no delivery, no close', async (t) => {
    const inside = `private-${unique('c')}`;
    const [sender, receiver] = await pair(t, inside);
    const open = unique('c');
    const openCache = `cache-${unique('c')}`;
    const sealed = `private-encrypted-${unique('c')}`;
    const sealedCache = `private-encrypted-cache-${unique('c')}`;
    for (const channel of [open, openCache, sealed, sealedCache]) {
      await sender.subscribe(channel);
      await receiver.subscribe(channel);
    }
    const outside = `private-${unique('c')}`;
    await receiver.subscribe(outside);
    const refused: [string, Record<string, unknown>][] = [
      ['on a public channel', { event: 'client-x', channel: open, data: '{}' }],
      ['on a public cache channel', { event: 'client-x', channel: openCache, data: '{}' }],
      ['on an encrypted channel', { event: 'client-x', channel: sealed, data: '{}' }],
      ['on an encrypted cache channel', { event: 'client-x', channel: sealedCache, data: '{}' }],
      ['on a channel not subscribed to', { event: 'client-x', channel: outside, data: '{}' }],
      ['without a channel', { event: 'client-x', data: '{}' }],
      ['with a channel that is no name', { event: 'client-x', channel: 7, data: '{}' }],
      ["on another user's channel", { event: 'client-x', channel: '#server-to-user-1', data: '{}' }],
      ['with a name over 200 characters', { event: `client-${'x'.repeat(200)}`, channel: inside, data: '{}' }],
    ];
    for (const [name, frame] of refused) {
      sender.send(frame);
      t.equal(errorCode(await sender.next('pusher:error')), null, name);
    }
    for (const channel of [inside, open, openCache, sealed, sealedCache, outside]) {
      await api.trigger(channel, 'fence', '{}');
      await receiver.next(on(channel, 'fence'));
    }
    t.equal(receiver.frames.filter((frame) => frame.event.startsWith('client-')).length, 0, 'nothing was delivered');
    t.ok(sender.isOpen, 'the connection stays');
  });

  t.test('only client- events are relayed', async (t) => {
    const channel = `private-${unique('c')}`;
    const [sender, receiver] = await pair(t, channel);
    const names = [
      'message',
      'Client-x',
      'client_x',
      'client',
      'pusher:x',
      'pusher_internal:member_added',
      'pusher:subscription_error',
      '',
      'fanfare:x',
    ];
    for (const event of names) sender.send({ event, channel, data: '{}' });
    sender.send({ event: 'client-', channel, data: '{}' });
    sender.send({ event: 'client-fence', channel, data: '{}' });
    await receiver.next('client-fence');
    const seen = receiver.frames.filter((frame) => names.includes(frame.event));
    t.strictSame(seen, []);
    t.ok(sender.isOpen);
  });

  t.test('after unsubscribing one may not send', async (t) => {
    const channel = `private-${unique('c')}`;
    const [sender, receiver] = await pair(t, channel);
    sender.unsubscribe(channel);
    sender.send({ event: 'client-x', channel, data: '{}' });
    t.equal(errorCode(await sender.next('pusher:error')), null);
    await api.trigger(channel, 'fence', '{}');
    await receiver.next('fence');
    t.equal(receiver.unread('client-x').length, 0);
  });

  t.test('over the rate: 4301 as a pusher:error, never a close', async (t) => {
    const channel = `private-${unique('c')}`;
    const [sender, receiver] = await pair(t, channel);
    for (let i = 0; i < 40; i += 1) sender.send({ event: 'client-n', channel, data: String(i) });
    await sender.fence();
    const errors = sender.unread('pusher:error');
    t.ok(errors.length > 0, `some are refused: ${errors.length} of 40`);
    t.ok(
      errors.every((error) => errorCode(error) === 4301),
      'with 4301',
    );
    await api.trigger(channel, 'fence', '{}');
    await receiver.next('fence');
    const arrived = receiver.unread('client-n').map((frame) => Number(frame.data));
    t.ok(arrived.length >= 10, `ten a second are allowed: ${arrived.length} arrived`);
    t.strictSame(arrived.slice(0, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'the first ten, in order');
    t.equal(arrived.length + errors.length, 40, 'each is delivered or refused');
    t.ok(sender.isOpen, 'the connection stays');
    receiver.send({ event: 'client-n', channel, data: 'mine' });
    t.equal((await sender.next('client-n')).data, 'mine', "another connection's allowance is its own");
  });
});
