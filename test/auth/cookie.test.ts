import t from 'tap';
import { app, type HarnessOptions, harness, refusalLine, token } from '../support/auth.ts';

const CHANNEL = 'private-domain.7';
const NAMED = [app({ allowedOrigins: ['https://app.example', 'https://*.team.example'] })];
const settings = { cookieName: 'session_jwt' };

interface Case {
  readonly name: string;
  readonly options: HarnessOptions;
  readonly headers: Record<string, string>;
  /** undefined: 200. */
  readonly code?: string;
}

const ANY = [app()];
const STAR = [app({ allowedOrigins: ['*'] })];
const STAR_AND_NAMED = [app({ allowedOrigins: ['*', 'https://app.example'] })];

t.test("a token by cookie counts only from an origin that is the team's", async (t) => {
  const jwt = await token();
  const cookie = `theme=dark; session_jwt=${jwt}; other=1`;
  const cases: readonly Case[] = [
    { name: 'a named origin', options: { apps: NAMED, settings }, headers: { cookie, origin: 'https://app.example' } },
    {
      name: 'a named subdomain',
      options: { apps: NAMED, settings },
      headers: { cookie, origin: 'https://x.team.example' },
    },
    {
      name: 'this very host',
      options: { apps: ANY, settings },
      headers: { cookie, origin: 'https://ws.example:8443', host: 'WS.example:8443' },
    },
    {
      name: 'named beside any',
      options: { apps: STAR_AND_NAMED, settings },
      headers: { cookie, origin: 'https://app.example' },
    },
    {
      name: 'an origin not named',
      options: { apps: NAMED, settings },
      headers: { cookie, origin: 'https://evil.example' },
      code: 'origin_not_allowed',
    },
    {
      name: 'an origin that ends alike',
      options: { apps: NAMED, settings },
      headers: { cookie, origin: 'https://evilteam.example' },
      code: 'origin_not_allowed',
    },
    {
      name: 'any origin allowed: none is named',
      options: { apps: ANY, settings },
      headers: { cookie, origin: 'https://evil.example' },
      code: 'cookie_origin_refused',
    },
    {
      name: 'a star',
      options: { apps: STAR, settings },
      headers: { cookie, origin: 'https://evil.example' },
      code: 'cookie_origin_refused',
    },
    {
      name: 'a star beside a name',
      options: { apps: STAR_AND_NAMED, settings },
      headers: { cookie, origin: 'https://evil.example' },
      code: 'cookie_origin_refused',
    },
    { name: 'no origin', options: { apps: NAMED, settings }, headers: { cookie }, code: 'cookie_origin_refused' },
    {
      name: 'an opaque origin',
      options: { apps: ANY, settings },
      headers: { cookie, origin: 'null' },
      code: 'cookie_origin_refused',
    },
    {
      name: 'an opaque origin that is listed',
      options: { apps: [app({ allowedOrigins: ['null'] })], settings },
      headers: { cookie, origin: 'null' },
      code: 'cookie_origin_refused',
    },
    {
      name: 'another port of this host',
      options: { apps: ANY, settings },
      headers: { cookie, origin: 'https://ws.example:1', host: 'ws.example' },
      code: 'cookie_origin_refused',
    },
    {
      name: 'no cookie',
      options: { apps: NAMED, settings },
      headers: { origin: 'https://app.example' },
      code: 'token_missing',
    },
    {
      name: 'an empty cookie',
      options: { apps: NAMED, settings },
      headers: { cookie: 'session_jwt=', origin: 'https://app.example' },
      code: 'token_missing',
    },
    {
      name: 'a cookie of another name',
      options: { apps: NAMED, settings },
      headers: { cookie: `xsession_jwt=${jwt}`, origin: 'https://app.example' },
      code: 'token_missing',
    },
    {
      name: 'cookies not configured',
      options: { apps: NAMED },
      headers: { cookie, origin: 'https://app.example' },
      code: 'token_missing',
    },
    {
      name: 'garbage in the cookie',
      options: { apps: NAMED, settings },
      headers: { cookie: 'session_jwt=x', origin: 'https://app.example' },
      code: 'token_malformed',
    },
    {
      name: 'Basic, which is not ours',
      options: { apps: NAMED, settings },
      headers: { cookie, authorization: 'Basic eDp5', origin: 'https://app.example' },
    },
  ];
  for (const { name, options, headers, code } of cases) {
    await t.test(name, async (t) => {
      const { ask, signIn, lines } = harness(t, options);
      const answer = await ask(CHANNEL, '', headers);
      t.equal(answer.status, code === undefined ? 200 : 403);
      if (code !== undefined) refusalLine(t, lines, code, [jwt]);
      t.equal((await signIn('', headers)).status, answer.status, 'the same for sign-in');
    });
  }
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
