import t from 'tap';
import { app, type HarnessOptions, harness, refusalLine, token } from '../support/auth.ts';

const CHANNEL = 'private-domain.7';
const NAMED = [app({ allowedOrigins: ['https://app.example', 'https://*.team.example'] })];
const settings = { cookieName: 'session_jwt' };

interface Case {
  readonly name: string;
  /** Of which origins are allowed; named ones if it is not said. */
  readonly apps?: HarnessOptions['apps'];
  readonly origin?: string;
  /** Beside the cookie, or in its place. */
  readonly headers?: Record<string, string>;
  /** undefined: 200. */
  readonly code?: string;
}

const ANY = [app()];
const STAR = [app({ allowedOrigins: ['*'] })];
const STAR_AND_NAMED = [app({ allowedOrigins: ['*', 'https://app.example'] })];
const NULL = [app({ allowedOrigins: ['null'] })];
const [APP, EVIL] = ['https://app.example', 'https://evil.example'];

t.test("a token by cookie counts only from an origin that is the team's", async (t) => {
  const jwt = await token();
  const cookie = `theme=dark; session_jwt=${jwt}; other=1`;
  const notAllowed = 'origin_not_allowed';
  const refused = 'cookie_origin_refused';
  const cases: readonly Case[] = [
    { name: 'a named origin', origin: APP },
    { name: 'a named subdomain', origin: 'https://x.team.example' },
    { name: 'this very host', apps: ANY, origin: 'https://ws.example:8443', headers: { host: 'WS.example:8443' } },
    { name: 'named beside any', apps: STAR_AND_NAMED, origin: APP },
    { name: 'an origin not named', origin: EVIL, code: notAllowed },
    { name: 'an origin that ends alike', origin: 'https://evilteam.example', code: notAllowed },
    { name: 'any origin allowed: none is named', apps: ANY, origin: EVIL, code: refused },
    { name: 'a star', apps: STAR, origin: EVIL, code: refused },
    { name: 'a star beside a name', apps: STAR_AND_NAMED, origin: EVIL, code: refused },
    { name: 'no origin', code: refused },
    { name: 'an opaque origin', apps: ANY, origin: 'null', code: refused },
    { name: 'an opaque origin that is listed', apps: NULL, origin: 'null', code: refused },
    {
      name: 'another port of this host',
      apps: ANY,
      origin: 'https://ws.example:1',
      headers: { host: 'ws.example' },
      code: refused,
    },
    { name: 'an empty cookie', origin: APP, headers: { cookie: 'session_jwt=' }, code: 'token_missing' },
    {
      name: 'a cookie of another name',
      origin: APP,
      headers: { cookie: `xsession_jwt=${jwt}` },
      code: 'token_missing',
    },
    { name: 'garbage in the cookie', origin: APP, headers: { cookie: 'session_jwt=x' }, code: 'token_malformed' },
    { name: 'Basic, which is not ours', origin: APP, headers: { authorization: 'Basic eDp5' } },
  ];
  for (const { name, apps = NAMED, origin, headers: besides = {}, code } of cases) {
    await t.test(name, async (t) => {
      const { ask, signIn, lines } = harness(t, { apps, settings });
      const headers = { cookie, ...(origin === undefined ? {} : { origin }), ...besides };
      const answer = await ask(CHANNEL, '', headers);
      t.equal(answer.status, code === undefined ? 200 : 403);
      if (code !== undefined) refusalLine(t, lines, code, [jwt]);
      t.equal((await signIn('', headers)).status, answer.status, 'the same for sign-in');
    });
  }
});

t.test('without a cookie, or where none is configured, there is no token', async (t) => {
  const cookie = `session_jwt=${await token()}`;
  const configured = harness(t, { apps: NAMED, settings });
  t.equal((await configured.ask(CHANNEL, '', { origin: APP })).status, 403);
  refusalLine(t, configured.lines, 'token_missing', []);
  const not = harness(t, { apps: NAMED });
  t.equal((await not.ask(CHANNEL, '', { cookie, origin: APP })).status, 403);
  refusalLine(t, not.lines, 'token_missing', [cookie]);
});

t.test('a Bearer token stands above the cookie, and needs no origin', async (t) => {
  const good = await token();
  const { ask, lines } = harness(t, { apps: ANY, settings });
  const cookie = `session_jwt=${good}`;
  t.equal((await ask(CHANNEL, good, { cookie: 'session_jwt=x' })).status, 200);
  t.equal((await ask(CHANNEL, 'x', { cookie, origin: 'http://localhost', host: 'localhost' })).status, 403);
  refusalLine(t, lines, 'token_malformed', [good]);
  const empty = harness(t, { apps: ANY, settings });
  t.equal(
    (await empty.ask(CHANNEL, '', { cookie, authorization: 'Bearer ', origin: 'http://localhost', host: 'localhost' }))
      .status,
    403,
  );
  refusalLine(t, empty.lines, 'token_missing', [good]);
});

t.test('a browser may send cookies along from a named origin only', async (t) => {
  const { server } = harness(t, { apps: STAR_AND_NAMED, settings });
  async function credentials(origin: string): Promise<unknown> {
    const { headers } = await server.inject({ method: 'OPTIONS', url: '/broadcasting/auth', headers: { origin } });
    return headers['access-control-allow-credentials'];
  }
  t.equal(await credentials('https://app.example'), 'true');
  t.equal(await credentials('https://other.example'), undefined);
});
