import fc from 'fast-check';
import t from 'tap';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';

const target = await startFanfare(t, {
  apps: [{ id: 'app-id', key: 'app-key', secret: 'app-secret', limits: { clientEventsPerSecond: 0 } }],
});
const api = new SignedApi(target);
const bystander = await RawClient.connect(t, target);
await bystander.subscribe('bystander');

const json = fc.jsonValue({ maxDepth: 4 });
const channel = fc.oneof(
  fc.constantFrom('c', 'private-c', 'presence-c', 'cache-c', 'private-encrypted-c', '#server-to-user-1', ''),
  fc.string({ unit: 'binary', maxLength: 30 }),
  json,
);
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json());
const data = fc.oneof(
  json,
  text,
  fc.record({ channel, auth: text, channel_data: text }, { requiredKeys: [] }),
  fc.record({ auth: text, user_data: text }, { requiredKeys: [] }),
);
const event = fc.oneof(
  fc.constantFrom('pusher:subscribe', 'pusher:unsubscribe', 'pusher:signin', 'pusher:ping', 'pusher:pong', 'client-x'),
  fc.string({ unit: 'binary', maxLength: 40 }).map((rest) => `client-${rest}`),
  fc.string({ unit: 'binary' }),
  json,
);
const frame = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ event, channel, data }, { requiredKeys: [] }).map((value) => JSON.stringify(value)),
  },
  { weight: 1, arbitrary: json.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.json(), fc.nat()).map(([whole, cut]) => whole.slice(0, cut % (whole.length + 1))),
  },
);

t.test('whatever frames come, the connection is served on and every answer is of the protocol', async (t) => {
  let client = await RawClient.connect(t, target);
  await client.subscribe('private-c');
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 8 }), async (frames) => {
      for (const sent of frames) client.send(sent);
      await client.fence();
      for (const answer of client.unread()) {
        if (typeof answer.event !== 'string' || answer.event === '') throw new Error(`no event: ${answer.raw}`);
        if (/"(?:channel|user_id)":null/.test(answer.raw)) throw new Error(`a null: ${answer.raw}`);
        if (answer.event.startsWith('pusher_internal:') && typeof answer.data !== 'string') {
          throw new Error(`data is no string: ${answer.raw}`);
        }
        if (answer.raw.includes('Internal error')) throw new Error(`an internal error: ${answer.raw}`);
      }
    }),
    { numRuns: 400 },
  );
  await client.close();
  client = await RawClient.connect(t, target);
  await api.trigger('bystander', 'e', '{}');
  await bystander.next(on('bystander', 'e'));
  t.equal(bystander.unread('pusher:error').length, 0, 'the bystander has seen nothing of it');
});

t.test('a client event with any data arrives as a string of the same value', async (t) => {
  const [sender, receiver] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  for (const client of [sender, receiver]) await client.subscribe('private-values');
  await t.resolves(
    fc.assert(
      fc.asyncProperty(json, async (value) => {
        sender.send({ event: 'client-value', channel: 'private-values', data: value });
        const { data: received } = await receiver.next('client-value');
        const expected = typeof value === 'string' ? value : JSON.stringify(value);
        if (received !== expected) throw new Error(`sent ${expected}, received ${String(received)}`);
      }),
      { numRuns: 200 },
    ),
    'each of them',
  );
});

t.test('published data of any characters arrives as it was', async (t) => {
  const client = await RawClient.connect(t, target);
  await client.subscribe('strings');
  await t.resolves(
    fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }),
        async (sent, name) => {
          await api.trigger('strings', name, sent);
          const received = await client.next(
            (candidate) => candidate.channel === 'strings' && candidate.event === name,
          );
          if (received.data !== sent) throw new Error(`sent ${JSON.stringify(sent)}, received ${received.raw}`);
        },
      ),
      { numRuns: 200 },
    ),
    'each of them',
  );
});

t.test('whatever a backend posts, the answer is a plain one', async (t) => {
  const body = fc.oneof(
    fc.record(
      {
        name: fc.oneof(text, json),
        data: fc.oneof(text, json),
        channels: fc.oneof(fc.array(channel), json),
        channel,
        socket_id: json,
        info: json,
      },
      { requiredKeys: [] },
    ),
    fc.record({
      batch: fc.oneof(json, fc.array(fc.record({ channel, name: text, data: text, info: json }, { requiredKeys: [] }))),
    }),
    json,
  );
  await t.resolves(
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/events', '/batch_events', '/users/x/terminate_connections'),
        body,
        async (path, value) => {
          const answer = await api.post(path, JSON.stringify(value));
          if (![200, 400, 413].includes(answer.status)) throw new Error(`${answer.status} ${answer.text}`);
        },
      ),
      { numRuns: 400 },
    ),
    '200, 400 or 413',
  );
});

t.test('whatever is asked by GET, the answer is a plain one', async (t) => {
  const part = fc.string({ unit: 'binary', maxLength: 20 }).map(encodeURIComponent);
  await t.resolves(
    fc.assert(
      fc.asyncProperty(
        part,
        fc.dictionary(fc.constantFrom('info', 'filter_by_prefix', 'x'), part),
        async (name, query) => {
          for (const path of [`/channels/${name}`, `/channels/${name}/users`, '/channels', `/${name}`]) {
            const answer = await api.get(path, query);
            if (![200, 400, 404].includes(answer.status)) throw new Error(`${path}: ${answer.status} ${answer.text}`);
          }
        },
      ),
      { numRuns: 100 },
    ),
    '200, 400 or 404',
  );
});
