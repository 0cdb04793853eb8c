import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadRules, signDevelopmentToken } from '../../src/auth/index.ts';
import { harness, now, SECRET } from '../support/auth.ts';

const rules = await loadRules(fileURLToPath(new URL('../../config/channels.js', import.meta.url)));

/** Each with the claims of user 42, and whether the channel is granted. */
const CASES: ReadonlyArray<readonly [string, Record<string, unknown>, boolean]> = [
  ['private-domain.7', { domains: [7, 9] }, true],
  ['private-domain.7', { domains: ['7'] }, true],
  ['private-cache-domain.7', { domains: [7] }, true],
  ['private-domain.77', { domains: [7] }, false],
  ['private-domain.7', { domains: [77] }, false],
  ['private-domain.7', { domains: '7' }, false],
  ['private-domain.7', { domains: 7 }, false],
  ['private-domain.7', { domains: null }, false],
  ['private-domain.7', {}, false],
  ['private-domain.7.log', { domains: [7] }, false],
  ['private-user.42', {}, true],
  ['private-user.43', {}, false],
  ['private-user.042', {}, false],
  ['private-admin.42', { admin: true }, true],
  ['private-admin.42', { role: 'admin' }, true],
  ['private-admin.42', { roles: ['editor', 'admin'] }, true],
  ['private-admin.43', { admin: true }, false],
  ['private-admin.42', {}, false],
  ['private-admin.42', { admin: 'true' }, false],
  ['private-admin.42', { admin: 1 }, false],
  ['private-admin.42', { role: 'administrator' }, false],
  ['private-admin.42', { roles: 'admin' }, false],
  ['presence-chat.5', { chats: [5] }, true],
  ['presence-chat.5', { chats: [6] }, false],
  ['presence-chat.5', {}, false],
  ['private-unheard-of.1', { admin: true, domains: [1] }, false],
];

t.test('the shipped rules', async (t) => {
  const { ask } = harness(t, { rules });
  for (const [channel, claims, granted] of CASES) {
    const jwt = await signDevelopmentToken({ secret: SECRET, user: '42', claims });
    t.equal((await ask(channel, jwt)).status, granted ? 200 : 403, `${channel} ${JSON.stringify(claims)}`);
  }
});

t.test('a member of a chat shows its name', async (t) => {
  const { ask, signIn } = harness(t, { rules });
  const named = await signDevelopmentToken({ secret: SECRET, user: '42', chats: [5], name: 'Ada' });
  t.match(JSON.parse(String((await ask('presence-chat.5', named)).json.channel_data)), { user_info: { name: 'Ada' } });
  t.match(JSON.parse(String((await signIn(named)).json.user_data)), { id: '42', user_info: { name: 'Ada' } });
  const nameless = await signDevelopmentToken({ secret: SECRET, user: '42', chats: [5] });
  t.strictSame(JSON.parse(String((await ask('presence-chat.5', nameless)).json.channel_data)).user_info, {});
});

t.test('a development token', async (t) => {
  const strict = harness(t, {
    rules,
    jwt: { secret: SECRET, issuer: ['me'], audience: ['you'], userIdClaim: 'userId' },
  });
  const jwt = await signDevelopmentToken({
    secret: SECRET,
    user: '42',
    userIdClaim: 'userId',
    issuer: 'me',
    audience: 'you',
    domains: ['7', 9],
    admin: true,
    expiresInSeconds: 60,
  });
  const answer = await strict.ask('private-domain.9', jwt);
  t.equal(answer.status, 200);
  const { exp } = JSON.parse(String(answer.json.channel_data));
  t.ok(exp > now() + 50 && exp <= now() + 60, 'expires when it was told to');
  t.equal((await strict.ask('private-admin.42', jwt)).status, 200);
  const { ask } = harness(t, { rules });
  const lasting = await signDevelopmentToken({ secret: SECRET, user: '42', expiresInSeconds: 0 });
  const { iat, ...rest } = JSON.parse(String((await ask('private-user.42', lasting)).json.channel_data));
  t.same(rest, { user_id: '42' }, 'or never');
  t.type(iat, 'number', 'so that it can be revoked');
});
