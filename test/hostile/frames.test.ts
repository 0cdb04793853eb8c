import t from 'tap';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { within } from '../support/wait.ts';

const target = await startFanfare(t);
const api = new SignedApi(target);
const channel = unique('bystander-');
const bystander = await RawClient.connect(t, target);
await bystander.subscribe(channel);

/** Others are served as if nothing had happened. */
async function unaffected(): Promise<void> {
  const name = unique('e-');
  await api.trigger(channel, name, '{}');
  await bystander.next(on(channel, name));
}

const garbage: Record<string, string> = {
  'an empty frame': '',
  'a space': ' ',
  'no JSON': 'garbage',
  'half of JSON': '{"event":"pusher:subscribe","data":{"channel":',
  'a trailing comma': '{"event":"pusher:ping",}',
  'a number': '7',
  'a number too large': '1e999999',
  null: 'null',
  true: 'true',
  'a string': '"pusher:ping"',
  'an array': '["pusher:ping"]',
  'an empty object': '{}',
  'an event that is null': '{"event":null}',
  'an event that is a number': '{"event":7}',
  'an event that is an object': '{"event":{"toString":"x"}}',
  'an event that nobody knows': '{"event":"pusher:nonsense"}',
  'an internal event': '{"event":"pusher_internal:subscription_succeeded","channel":"x","data":"{}"}',
  'subscribe without data': '{"event":"pusher:subscribe"}',
  'subscribe with data as a broken string': '{"event":"pusher:subscribe","data":"{"}',
  'unsubscribe without data': '{"event":"pusher:unsubscribe"}',
  'unsubscribe from an object': '{"event":"pusher:unsubscribe","data":{"channel":{}}}',
  'signin with an array': '{"event":"pusher:signin","data":["auth","user_data"]}',
  'a client event without anything': '{"event":"client-x"}',
  'a client event on an object': '{"event":"client-x","channel":{"a":1},"data":{}}',
  'the same key twice': '{"event":"pusher:ping","event":"pusher:subscribe","data":{}}',
  'null bytes': '\u0000\u0000\u0000',
  'a byte order mark': '\ufeff{"event":"pusher:ping"}',
  'a lone surrogate, escaped': '{"event":"client-\\ud800","channel":"\\ud800","data":"\\udfff"}',
  'a prototype as the event': '{"event":"__proto__","data":{}}',
  'a method as the event': '{"event":"constructor","data":{}}',
};

t.test('garbage is answered or ignored, and the connection goes on', async (t) => {
  const client = await RawClient.connect(t, target);
  for (const [name, text] of Object.entries(garbage)) {
    client.send(text);
    await client.fence();
    t.equal(client.socket.readyState, 1, name);
  }
  for (const frame of client.frames) {
    t.notMatch(frame.raw, /"(?:channel|user_id)":null/, 'never a null channel or user_id');
  }
  await unaffected();
});

t.test('binary frames do no harm', async (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('{"event":"pusher:ping"}'), Buffer.alloc(1000, 0xff)]) {
    const client = await RawClient.connect(t, target);
    client.socket.send(bytes, { binary: true });
    client.socket.close(1000);
    await within(client.closed, 'the close');
  }
  await unaffected();
});

t.test('invalid UTF-8 in a text frame ends that connection alone', async (t) => {
  const bad = [
    [0xff, 0xfe],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xe2, 0x82],
  ];
  for (const bytes of bad) {
    const client = await RawClient.connect(t, target);
    client.socket.send(Buffer.from(bytes), { binary: false });
    const { code } = await within(client.closed, 'the close');
    t.ok([1006, 1007].includes(code), `closed with ${code}`);
  }
  await unaffected();
});

t.test('deep JSON', async (t) => {
  const depth = 20_000;
  const deep = '['.repeat(depth) + ']'.repeat(depth);
  const objects = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const client = await RawClient.connect(t, target);
  await client.subscribe('private-deep');
  for (const text of [
    deep,
    '['.repeat(depth),
    `{"event":"pusher:ping","data":${deep}}`,
    `{"event":"pusher:subscribe","data":${objects}}`,
    `{"event":"pusher:subscribe","data":{"channel":${deep}}}`,
    `{"event":"client-x","channel":"private-deep","data":${deep}}`,
  ]) {
    client.send(text);
    await client.fence();
  }
  t.notOk(
    client.unread('pusher:error').some((frame) => frame.raw.includes('Internal error')),
    'depth is no accident',
  );
  const answer = await api.post('/events', `{"name":"e","channels":["c"],"data":${deep}}`);
  t.ok([200, 400].includes(answer.status), `the HTTP API: ${answer.status}`);
  await unaffected();
});

t.test('a deep member is refused or passed on, and shown to the next', async (t) => {
  const depth = 300;
  const info = '['.repeat(depth) + ']'.repeat(depth);
  const [one, two] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  await one.subscribe('presence-deep', `{"user_id":"1","user_info":${info}}`);
  const answer = await two.subscribe('presence-deep', '{"user_id":"2"}');
  t.equal(answer.event, 'pusher_internal:subscription_succeeded');
  await unaffected();
});

t.test('a frame over the limit ends its connection, in one piece or in many', async (t) => {
  const huge = `{"event":"pusher:ping","data":"${'x'.repeat(2_000_000)}"}`;
  const whole = await RawClient.connect(t, target);
  whole.send(huge);
  const { code } = await within(whole.closed, 'the close');
  t.ok(code >= 1000, `closed with ${code}`);

  const pieces = await RawClient.connect(t, target);
  const piece = 'x'.repeat(100_000);
  pieces.socket.send(piece, { fin: false });
  for (let i = 0; i < 30 && pieces.socket.readyState === 1; i += 1) pieces.socket.send(piece, { fin: false });
  await within(pieces.closed, 'the close');
  await unaffected();
});

t.test('a message in many fragments is one message', async (t) => {
  const client = await RawClient.connect(t, target);
  const text = JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'fragments' } });
  for (const [i, character] of [...text].entries()) client.socket.send(character, { fin: i === text.length - 1 });
  await client.next(on('fragments', 'pusher_internal:subscription_succeeded'));
});

t.test('many small frames at once are served in order', async (t) => {
  const client = await RawClient.connect(t, target);
  for (let i = 0; i < 5000; i += 1) client.send('{"event":"pusher:ping"}');
  for (let i = 0; i < 5000; i += 1) await client.next('pusher:pong');
  await unaffected();
});
