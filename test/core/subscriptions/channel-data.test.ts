import t from 'tap';
import { tokenFacts } from '../../../src/core/contracts/revocations.ts';
import { memberOf, readChannelData, readUserData } from '../../../src/core/subscriptions/channel-data.ts';
import { app } from '../../support/unit-app.ts';

const { limits } = app();

t.test('channel_data', async (t) => {
  const read = (data: unknown) => readChannelData(JSON.stringify(data), limits);
  const token = tokenFacts('42', undefined, undefined);
  t.strictSame(read({ user_id: '42' }), { userId: '42', info: undefined, expiresAt: undefined, token });
  t.match(read({ user_id: '42', jti: 'a', iat: 7 }), { token: { tokenId: 'a', issuedAt: 7 } });
  for (const jti of ['', 7, 'x'.repeat(256)]) t.match(read({ user_id: '42', jti }), { token: { tokenId: undefined } });
  t.strictSame(read({ user_id: 42, user_info: { name: 'Ann' }, exp: 1767225600 }), {
    userId: '42',
    info: '{"name":"Ann"}',
    expiresAt: 1767225600,
    token,
  });
  t.match(read({ user_id: '__proto__', user_info: null }), { userId: '__proto__', info: 'null' });
  t.match(read({ user_id: 0 }), { userId: '0' });
  for (const exp of ['1767225600', null, {}]) t.match(read({ user_id: '1', exp }), { expiresAt: undefined });
  for (const data of [null, [], 'x', 7]) t.match(read(data), { problem: /JSON object/ }, JSON.stringify(data));
  t.match(readChannelData('{', limits), { problem: /JSON object/ });
  for (const user_id of [undefined, null, '', {}, [], true]) t.match(read({ user_id }), { problem: /"user_id"/ });
});

t.test('limits of a user id and of user_info', async (t) => {
  const read = (data: unknown) => readChannelData(JSON.stringify(data), limits);
  t.match(read({ user_id: 'x'.repeat(128) }), { userId: 'x'.repeat(128) });
  t.match(read({ user_id: 'x'.repeat(129) }), { problem: /129 characters long; the limit is 128/ });
  t.match(read({ user_id: '1', user_info: 'x'.repeat(1022) }), { userId: '1' }, '1024 bytes with its quotes');
  t.match(read({ user_id: '1', user_info: 'x'.repeat(1023) }), { problem: /larger than 1024 bytes/ });
  t.match(read({ user_id: '1', user_info: 'é'.repeat(512) }), { problem: /larger/ }, 'bytes, not characters');
});

t.test('user_data', async (t) => {
  const read = (data: unknown) => readUserData(JSON.stringify(data), limits);
  const token = tokenFacts('42', undefined, undefined);
  t.strictSame(read({ id: '42' }), {
    userId: '42',
    info: undefined,
    expiresAt: undefined,
    token,
    watchlist: [],
    statusChannels: [],
  });
  t.strictSame(read({ id: '42', user_info: { name: 'Ann' }, watchlist: ['7', '8', '7'], exp: 9 }), {
    userId: '42',
    info: '{"name":"Ann"}',
    expiresAt: 9,
    token,
    watchlist: ['7', '8'],
    statusChannels: [],
  });
  t.match(read({ id: '42', watchlist: null }), { watchlist: [] });
  for (const id of [undefined, null, '', 42, {}]) t.match(read({ id }), { problem: /"id"/ }, JSON.stringify(id));
  t.match(read({ id: 42 }), {
    problem: 'The "id" of user_data must be a string: send "42" in quotes, not the number 42',
  });
  for (const watchlist of ['7', {}, [7], [null]]) t.match(read({ id: '1', watchlist }), { problem: /"watchlist"/ });
  t.match(read({ id: 'x'.repeat(129) }), { problem: /129 characters/ });
  t.match(readUserData('[]', limits), { problem: /JSON object/ });
});

t.test('a member is who a channel sees, not until when', async (t) => {
  t.strictSame(memberOf({ userId: '1', info: '{}', expiresAt: 9, token: tokenFacts('1', undefined, undefined) }), {
    userId: '1',
    info: '{}',
  });
});
