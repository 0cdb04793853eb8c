import fc from 'fast-check';
import t from 'tap';
import {
  dataObject,
  dataString,
  decodeFrame,
  encodeCacheMiss,
  encodeConnectionEstablished,
  encodeError,
  encodeEvent,
  encodeMemberAdded,
  encodeMemberRemoved,
  encodeSigninSuccess,
  encodeSubscriptionCount,
  encodeSubscriptionError,
  encodeSubscriptionSucceeded,
  encodeWatchlistEvents,
  PONG_FRAME,
  parseJson,
  presenceData,
} from '../../src/protocol/frames.ts';

/** Strings of every kind: lone surrogates, control characters, names of Object.prototype. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '\ud800', '"', '\\', '\u2028', '\u0000'),
);

t.test('an event arrives as it was sent', async () => {
  fc.assert(
    fc.property(text, text, text, fc.option(text, { nil: undefined }), (event, channel, data, userId) => {
      const parsed: unknown = JSON.parse(encodeEvent(event, channel, data, userId));
      const expected = { event, channel, data, ...(userId === undefined ? {} : { user_id: userId }) };
      return JSON.stringify(parsed) === JSON.stringify(expected);
    }),
  );
});

t.test('fields that have no value are left out, never null: Java throws on them', async (t) => {
  const frames = [
    encodeEvent('e', 'c', 'd'),
    encodeError(null, 'm'),
    encodeError(4001, 'm'),
    encodeSigninSuccess('{}'),
    encodeWatchlistEvents('online', ['1']),
    encodeConnectionEstablished('1.2', 120),
    encodeSubscriptionSucceeded('c'),
    encodeCacheMiss('c'),
  ];
  for (const frame of frames) t.notMatch(frame, /"(?:channel|user_id)":null/, frame);
});

t.test("the protocol's own frames", async (t) => {
  const frames: [frame: string, expected: object][] = [
    [
      encodeConnectionEstablished('123.456', 120),
      { event: 'pusher:connection_established', data: '{"socket_id":"123.456","activity_timeout":120}' },
    ],
    [encodeError(4001, 'No such app'), { event: 'pusher:error', data: { code: 4001, message: 'No such app' } }],
    [encodeError(null, 'No', 'c1'), { event: 'pusher:error', data: { code: null, message: 'No' }, channel: 'c1' }],
    [PONG_FRAME, { event: 'pusher:pong', data: '{}' }],
    [encodeSubscriptionSucceeded('c1'), { event: 'pusher_internal:subscription_succeeded', channel: 'c1', data: '{}' }],
    [
      encodeMemberAdded('presence-x', '1', '{"name":"Ann"}'),
      {
        event: 'pusher_internal:member_added',
        channel: 'presence-x',
        data: '{"user_id":"1","user_info":{"name":"Ann"}}',
      },
    ],
    [
      encodeMemberAdded('presence-x', '1', undefined),
      { event: 'pusher_internal:member_added', channel: 'presence-x', data: '{"user_id":"1","user_info":{}}' },
    ],
    [
      encodeMemberRemoved('presence-x', '1'),
      { event: 'pusher_internal:member_removed', channel: 'presence-x', data: '{"user_id":"1"}' },
    ],
    [
      encodeSubscriptionCount('c1', 3),
      { event: 'pusher_internal:subscription_count', channel: 'c1', data: '{"subscription_count":3}' },
    ],
    [
      encodeSubscriptionError('private-x', 'AuthError', 'No', 401),
      {
        event: 'pusher:subscription_error',
        channel: 'private-x',
        data: { type: 'AuthError', error: 'No', status: 401 },
      },
    ],
    [encodeCacheMiss('cache-x'), { event: 'pusher:cache_miss', channel: 'cache-x', data: '{}' }],
    [encodeSigninSuccess('{"id":"1"}'), { event: 'pusher:signin_success', data: '{"user_data":"{\\"id\\":\\"1\\"}"}' }],
    [
      encodeWatchlistEvents('offline', ['1', '"']),
      {
        event: 'pusher_internal:watchlist_events',
        data: '{"events":[{"name":"offline","user_ids":["1","\\""]}]}',
      },
    ],
  ];
  for (const [frame, expected] of frames) t.strictSame(JSON.parse(frame), expected, frame);
});

t.test('presence data holds any user id as a key of its own', async (t) => {
  const members = fc.uniqueArray(fc.record({ userId: text, info: fc.option(fc.json(), { nil: undefined }) }), {
    selector: ({ userId }) => JSON.stringify(userId),
  });
  fc.assert(
    fc.property(members, (given) => {
      const { presence } = JSON.parse(presenceData(given)) as {
        presence: { ids: string[]; hash: Record<string, unknown>; count: number };
      };
      return (
        presence.count === given.length &&
        presence.ids.length === given.length &&
        Object.getOwnPropertyNames(presence.hash).length === given.length &&
        given.every(
          ({ userId, info }, index) =>
            presence.ids[index] === userId &&
            Object.hasOwn(presence.hash, userId) &&
            JSON.stringify(presence.hash[userId]) === JSON.stringify(JSON.parse(info ?? '{}')),
        )
      );
    }),
  );
  t.equal(presenceData([]), '{"presence":{"ids":[],"hash":{},"count":0}}', 'a hash is an object even when empty');
  const proto = presenceData([{ userId: '__proto__', info: '{"polluted":true}' }]);
  t.equal(proto, '{"presence":{"ids":["__proto__"],"hash":{"__proto__":{"polluted":true}},"count":1}}');
});

t.test('decoding what clients send', async (t) => {
  t.strictSame(decodeFrame('{"event":"pusher:ping","data":{}}'), {
    event: 'pusher:ping',
    channel: undefined,
    data: {},
  });
  t.strictSame(decodeFrame('{"event":"pusher:ping"}'), { event: 'pusher:ping', channel: undefined, data: undefined });
  t.strictSame(decodeFrame('{"event":"client-x","channel":null,"data":1}'), {
    event: 'client-x',
    channel: undefined,
    data: 1,
  });
  const wrong: Record<string, RegExp> = {
    '': /JSON object/,
    '{': /JSON object/,
    null: /JSON object/,
    '[]': /JSON object/,
    '"x"': /JSON object/,
    '7': /JSON object/,
    '{}': /"event"/,
    '{"event":""}': /"event"/,
    '{"event":7}': /"event"/,
    '{"event":{}}': /"event"/,
    '{"event":"e","channel":7}': /"channel"/,
    '{"event":"e","channel":{}}': /"channel"/,
  };
  for (const [sent, sentence] of Object.entries(wrong)) t.match(decodeFrame(sent), sentence, sent);
});

t.test('decoding never throws, and never takes a prototype for data', async (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (sent) => {
      const frame = decodeFrame(sent);
      return typeof frame === 'string' || (typeof frame.event === 'string' && frame.event !== '');
    }),
  );
  fc.assert(
    fc.property(text, text, fc.jsonValue(), (event, channel, data) => {
      const sent = JSON.stringify({ event, channel, data });
      const frame = decodeFrame(sent);
      if (event === '') return typeof frame === 'string';
      if (typeof frame === 'string') return false;
      return frame.event === event && frame.channel === channel && JSON.stringify(frame.data) === JSON.stringify(data);
    }),
  );
  t.type(decodeFrame('{"__proto__":{"event":"pusher:ping"}}'), 'string', 'no event of its own');
  t.equal(({} as Record<string, unknown>).event, undefined);
});

t.test('data is an object or a string of one', async (t) => {
  t.strictSame(dataObject({ channel: 'c' }), { channel: 'c' });
  t.strictSame(dataObject('{"channel":"c"}'), { channel: 'c' });
  for (const data of [undefined, null, 7, [], '[]', '"c"', 'c', '{']) t.equal(dataObject(data), undefined);
});

t.test('data of an event is a string: as it is, or as its JSON', async (t) => {
  t.equal(dataString('a "string"'), 'a "string"');
  t.equal(dataString(''), '');
  t.equal(dataString({ a: 1 }), '{"a":1}');
  t.equal(dataString(null), 'null');
  t.equal(dataString(undefined), 'null');
  t.equal(dataString(7), '7');
});

t.test('parseJson hides only what is not JSON', async (t) => {
  t.equal(parseJson('{'), undefined);
  t.strictSame(parseJson('{"a":[1]}'), { a: [1] });
});
