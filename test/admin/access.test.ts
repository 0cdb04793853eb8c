import t from 'tap';
import { Access, isForeignPage, SESSION_COOKIE } from '../../src/admin/access.ts';

const TOKEN = 'a-token-of-the-tests-that-is-long-enough';
const here = (headers = {}) => ({ remoteAddress: '127.0.0.1', headers: { host: 'localhost:9601', ...headers } });

t.test('without a token only this machine itself may look', async (t) => {
  const access = new Access(undefined);
  t.strictSame(access.check(here()), { allowed: true });
  t.strictSame(access.check({ remoteAddress: '::1', headers: { host: '[::1]:9601' } }), { allowed: true });
  t.match(access.check({ ...here(), remoteAddress: '10.0.0.7' }), { allowed: false, status: 403 });
  t.match(access.check(here({ 'x-forwarded-for': '10.0.0.7' })), { allowed: false }, 'a proxy on this machine');
  t.match(access.check(here({ host: 'evil.example' })), { allowed: false }, 'a name that was made to point here');
  t.match(access.check({ remoteAddress: '127.0.0.1', headers: {} }), { allowed: false });
});

t.test('with a token, it or a session that it opened', async (t) => {
  let now = 1_000_000_000_000;
  const access = new Access(TOKEN, () => now);
  t.match(access.check(here()), { allowed: false, status: 401 }, 'from this machine too');
  t.strictSame(access.check(here({ authorization: `Bearer ${TOKEN}` })), { allowed: true });
  t.match(access.check(here({ authorization: 'Bearer another' })), { allowed: false, status: 401 });
  const { value, maxAgeSeconds } = access.newSession();
  const withCookie = (cookie: string) => access.check(here({ cookie: `a=b; ${SESSION_COOKIE}=${cookie}` }));
  t.strictSame(withCookie(value), { allowed: true });
  t.notMatch(value, TOKEN);
  const [expires = '', signature = ''] = value.split('.');
  t.match(withCookie(`${Number(expires) + 1}.${signature}`), { allowed: false }, 'a later end is not signed for');
  t.match(new Access(`${TOKEN}2`, () => now).check(here({ cookie: `${SESSION_COOKIE}=${value}` })), { allowed: false });
  now += maxAgeSeconds * 1000 + 1000;
  t.match(withCookie(value), { allowed: false }, 'it ends');
});

t.test('wrong tokens are counted by address', async (t) => {
  let now = 0;
  const access = new Access(TOKEN, () => now);
  for (let tries = 0; tries < 10; tries += 1) t.match(access.login('wrong', '10.0.0.1'), { status: 401 });
  t.match(access.login(TOKEN, '10.0.0.1'), { allowed: false, status: 429 }, 'the right one has to wait too');
  t.strictSame(access.login(TOKEN, '10.0.0.2'), { allowed: true });
  for (let tries = 0; tries < 10; tries += 1) access.login('wrong', `2001:db8:1:2::${tries}`);
  t.match(access.login(TOKEN, '2001:db8:1:2::ffff'), { status: 429 }, 'whoever has a /64 of IPv6 is one address');
  for (let tries = 0; tries < 10; tries += 1) access.login('wrong', '::ffff:10.0.0.3');
  t.match(access.login(TOKEN, '10.0.0.3'), { status: 429 });
  t.strictSame(access.login(TOKEN, '::ffff:10.0.0.4'), { allowed: true }, 'IPv4 addresses are told apart');
  now += 61_000;
  t.strictSame(access.login(TOKEN, '10.0.0.1'), { allowed: true });
});

t.test('pages of other sites', async (t) => {
  t.equal(isForeignPage(here({ origin: 'http://localhost:9601' })), false);
  t.equal(isForeignPage(here()), false, 'no browser');
  t.equal(isForeignPage(here({ origin: 'https://evil.example' })), true);
  t.equal(isForeignPage(here({ origin: 'null' })), true);
  t.equal(isForeignPage(here({ 'sec-fetch-site': 'cross-site' })), true);
});
