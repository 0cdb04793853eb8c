import t from 'tap';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);

  t.test('every allowed character, and 200 of them', async (t) => {
    const client = await RawClient.connect(t, target);
    const long = unique('n').padEnd(200, 'x');
    for (const channel of [`aZ09_-=@,.;${unique('')}`, '-', '0', '..', 'a=b;c=d', `private-${unique('@,.;=')}`, long]) {
      const answer = await client.subscribe(channel);
      t.equal(answer.event, 'pusher_internal:subscription_succeeded', channel.slice(0, 40));
      t.equal(answer.channel, channel);
      if (channel !== '-' && channel !== '0' && channel !== '..') {
        await api.trigger(channel, 'hello', '{}');
        t.equal((await client.next('hello')).channel, channel, 'and events reach it');
      }
    }
  });

  t.test('other names are refused on the channel, and the connection stays', async (t) => {
    const bad = [
      'with space',
      'sla/sh',
      'quo"te',
      "apo's",
      'ümlaut',
      'emoji😀',
      'colon:',
      '#private',
      '#',
      'a#b',
      'a\nb',
      'a\u0000b',
      '*',
      'a?b',
      'x'.repeat(201),
    ];
    const client = await RawClient.connect(t, target);
    for (const channel of bad) {
      const answer = await client.subscribe(channel);
      t.equal(answer.event, 'pusher:subscription_error', JSON.stringify(channel.slice(0, 40)));
      t.match(
        answer.data,
        { type: String, error: /\w+ \w+/, status: Number },
        'an object with a type, a sentence and a status',
      );
    }
    await client.fence();
    t.ok(client.isOpen, 'still open');
  });

  t.test('a subscription without a usable name is an error without a channel', async (t) => {
    const client = await RawClient.connect(t, target);
    const datas: unknown[] = [
      {},
      { channel: '' },
      { channel: 7 },
      { channel: null },
      { channel: ['a'] },
      { channel: {} },
      'text',
      null,
      7,
      [],
      undefined,
    ];
    for (const data of datas) {
      client.send({ event: 'pusher:subscribe', data });
      const answer = await client.next(
        (frame) => frame.event === 'pusher:error' || frame.event === 'pusher:subscription_error',
      );
      t.type(answer.data, 'object', JSON.stringify(data));
      t.notOk(answer.raw.includes('"channel":null'), 'never a null channel');
    }
    await client.fence();
    t.ok(client.isOpen);
  });

  t.test('the HTTP API refuses the same names', async (t) => {
    for (const channel of ['with space', 'ümlaut', 'colon:', '#private', 'x'.repeat(201), '']) {
      const answer = await api.post('/events', { name: 'e', data: '{}', channels: [channel] });
      t.equal(answer.status, 400, JSON.stringify(channel.slice(0, 40)));
      t.match(answer.text, /\w+ \w+/, 'with a sentence');
    }
    const answer = await api.post('/events', { name: 'e', data: '{}', channels: ['x'.repeat(200)] });
    t.equal(answer.status, 200, '200 characters are allowed');
  });
});
