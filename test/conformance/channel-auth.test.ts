import t from 'tap';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { channelAuth } from '../support/signing.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const SUCCESS = 'pusher_internal:subscription_succeeded';

  t.test('the signature is over the raw channel_data, however it is spelt', async (t) => {
    const client = await RawClient.connect(t, target);
    const spellings = [
      '{"user_id":"1","user_info":{"name":"Mr. Channels"}}',
      ' { "user_info" : { "name" : "\\u017b\\u00f3\\u0142w" } , "user_id" : "1" } ',
      '{"user_id":"1","user_info":{"name":"Żółw 😀","tags":["a","b"],"n":1.50}}',
    ];
    for (const data of spellings) {
      const answer = await client.subscribe(`presence-${unique('c')}`, data);
      t.equal(answer.event, SUCCESS, data);
    }
  });

  t.test('channel_data is part of the signature on any guarded channel that sends it', async (t) => {
    const client = await RawClient.connect(t, target);
    const data = '{"user_id":"7","exp":4102444800}';
    for (const prefix of ['private-', 'private-cache-', 'private-encrypted-']) {
      const channel = `${prefix}${unique('c')}`;
      const without = await client.subscribe(channel, data, channelAuth(target, client.socketId, channel));
      t.equal(without.event, 'pusher:subscription_error', `${prefix} signed without what was sent`);
      const unsent = await client.subscribe(channel, undefined, channelAuth(target, client.socketId, channel, data));
      t.equal(unsent.event, 'pusher:subscription_error', `${prefix} signed with what was not sent`);
      const answer = await client.subscribe(channel, data);
      t.equal(answer.event, SUCCESS, `${prefix} with both`);
    }
  });

  t.test('refusals', async (t) => {
    const client = await RawClient.connect(t, target);
    const stranger = await RawClient.connect(t, target);
    const channel = `private-${unique('c')}`;
    const right = channelAuth(target, client.socketId, channel);
    const hex = right.slice(target.key.length + 1);
    const auths: [string, unknown][] = [
      ['empty', ''],
      ['absent', undefined],
      ['null', null],
      ['a number', 7],
      ['an object', { toString: 'x' }],
      ['no colon', `${target.key}${hex}`],
      ['the signature alone', hex],
      ['the key alone', `${target.key}:`],
      ['another key', `another-key:${hex}`],
      ['a wrong secret', channelAuth({ ...target, secret: 'wrong' }, client.socketId, channel)],
      ["another socket's", channelAuth(target, stranger.socketId, channel)],
      ["another channel's", channelAuth(target, client.socketId, `${channel}x`)],
      ["a public-looking name's", channelAuth(target, client.socketId, channel.slice('private-'.length))],
      ['cut short', right.slice(0, -1)],
      ['with something behind it', `${right}0`],
      ['multibyte characters of the same length', `${target.key}:${'é'.repeat(64)}`],
      ['upper case', `${target.key}:${hex.toUpperCase()}x`],
    ];
    for (const [name, auth] of auths) {
      client.send({ event: 'pusher:subscribe', data: { channel, auth } });
      const answer = await client.next((frame) => frame.channel === channel);
      t.equal(answer.event, 'pusher:subscription_error', name);
      t.match(
        answer.data,
        { type: 'AuthError', error: /\w+ \w+/, status: 401 },
        'the form pusher-js hands to the application',
      );
      t.notOk(answer.raw.includes(hex.slice(0, 32)), 'it never tells the right signature');
    }
    t.equal((await client.subscribe(channel)).event, SUCCESS, 'the same connection may try again and succeed');
    t.ok(stranger.isOpen);
  });

  t.test('a presence channel wants a channel_data that names a member', async (t) => {
    const client = await RawClient.connect(t, target);
    const bad: (string | undefined)[] = [
      undefined,
      '',
      'not json',
      '{}',
      '[]',
      'null',
      '"1"',
      '7',
      '{"user_id":""}',
      '{"user_id":null}',
      '{"user_id":true}',
      '{"user_id":{"a":1}}',
      '{"user_id":["1"]}',
      '{"user_info":{"name":"no id"}}',
    ];
    for (const data of bad) {
      const channel = `presence-${unique('c')}`;
      const answer = await client.subscribe(channel, data);
      t.equal(answer.event, 'pusher:subscription_error', `signed, but ${data}`);
      t.match(answer.data, { type: String, error: String, status: Number });
    }
    const channel = `presence-${unique('c')}`;
    const auth = channelAuth(target, client.socketId, channel, '{"user_id":"1"}');
    const tampered = await client.subscribe(channel, '{"user_id":"2"}', auth);
    t.equal(tampered.event, 'pusher:subscription_error', 'another member than was signed');
    await client.fence();
    t.ok(client.isOpen);
  });
});
