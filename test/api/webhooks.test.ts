import t from 'tap';
import { ApiFixture } from '../support/api.ts';

const BATCH = {
  ...{ id: 'a', atMs: 0, url: 'https://example.com/hooks', reason: 'no answer in 4 s', endpoint: 'x', timeMs: 0 },
  events: [
    { id: '1-1', kind: 'member_added' as const, channel: 'presence-c', userId: '42' },
    { id: '1-2', kind: 'channel_occupied' as const, channel: 'c', userId: undefined },
  ],
  facts: [],
};

t.test('webhooks that were given up are listed', async (t) => {
  const api = new ApiFixture();
  t.match(await api.get('/webhooks/given_up'), { status: 200, body: '{"webhooks":[]}' });
  await api.givenUp.keep('3', BATCH);
  await api.givenUp.keep('4', { ...BATCH, id: 'of another app' });
  t.strictSame(JSON.parse(String((await api.get('/webhooks/given_up')).body)), {
    webhooks: [
      {
        ...{ id: 'a', given_up_at: '1970-01-01T00:00:00.000Z', url: BATCH.url, reason: BATCH.reason },
        events: [
          { name: 'member_added', channel: 'presence-c', user_id: '42', id: '1-1' },
          { name: 'channel_occupied', channel: 'c', id: '1-2' },
        ],
      },
    ],
  });
});

t.test('a webhook is sent again by its id', async (t) => {
  const api = new ApiFixture();
  api.resent.set('a', { outcome: 'sent' });
  api.resent.set('b', { outcome: 'failed', reason: 'no answer in 4 s' });
  t.match(await api.post('/webhooks/resend', { id: 'a' }), { status: 200, body: '{"resent":true}' });
  const failed = '{"resent":false,"reason":"no answer in 4 s"}';
  t.match(await api.post('/webhooks/resend', { id: 'b' }), { status: 200, body: failed });
  t.match(await api.post('/webhooks/resend', { id: 'c' }), { status: 404, body: /No webhook 'c' is kept/ });
  for (const body of ['', {}, { id: '' }, { id: 7 }]) {
    t.match(await api.post('/webhooks/resend', body), { status: 400, body: /such as \{"id":"1f0c2b3a4d5e"\}/ });
  }
});
