import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { AUTH_PATHS } from '../../src/auth/index.ts';
import {
  ALLOW_DOMAINS,
  APP_SECRET,
  app,
  type Harness,
  harness,
  KEY,
  now,
  refusalLine,
  SOCKET_ID,
  token,
} from '../support/auth.ts';
import { channelAuth, userAuth } from '../support/signing.ts';

const credentials = { key: KEY, secret: APP_SECRET };

t.test('a private channel: signed, with channel_data that names the user and the expiry', async (t) => {
  const exp = now() + 60;
  const answer = await harness(t).ask('private-domain.7', await token({ exp }));
  const channelData = `{"user_id":"42","exp":${exp}}`;
  t.equal(answer.status, 200);
  t.match(answer.headers, { 'content-type': /^application\/json/, 'cache-control': 'no-store' });
  t.strictSame(answer.json, {
    auth: channelAuth(credentials, SOCKET_ID, 'private-domain.7', channelData),
    channel_data: channelData,
  });
});

t.test('a token that does not expire leaves exp out', async (t) => {
  const answer = await harness(t).ask('private-domain.7', await token({ exp: undefined }));
  t.equal(answer.json.channel_data, '{"user_id":"42"}');
});

t.test(
  'without signChannelData: the published vector of a private channel, and presence as Laravel signs it',
  async (t) => {
    const { ask } = harness(t, {
      settings: { signChannelData: false },
      rules: { channels: { foobar: () => ({ name: 'Mr. Channels' }) } },
    });
    t.strictSame((await ask('private-foobar', await token())).json, {
      auth: `${KEY}:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4`,
    });
    const channelData = '{"user_id":"42","user_info":{"name":"Mr. Channels"}}';
    t.strictSame((await ask('presence-foobar', await token())).json, {
      auth: channelAuth(credentials, SOCKET_ID, 'presence-foobar', channelData),
      channel_data: channelData,
    });
  },
);

t.test("a presence channel: an object is the member's info, true is none", async (t) => {
  const exp = now() + 60;
  const { ask } = harness(t, {
    rules: { channels: { 'chat.1': () => ({ name: 'Ada', tags: ['x'] }), 'chat.2': () => true } },
  });
  const jwt = await token({ exp });
  const one = await ask('presence-chat.1', jwt);
  const channelData = `{"user_id":"42","user_info":{"name":"Ada","tags":["x"]},"exp":${exp}}`;
  t.strictSame(one.json, {
    auth: channelAuth(credentials, SOCKET_ID, 'presence-chat.1', channelData),
    channel_data: channelData,
  });
  t.equal((await ask('presence-chat.2', jwt)).json.channel_data, `{"user_id":"42","exp":${exp}}`);
  t.equal((await ask('private-chat.1', jwt)).json.channel_data, `{"user_id":"42","exp":${exp}}`, 'none elsewhere');
});

t.test("a member over the app's limit: 403", async (t) => {
  const { ask, lines } = harness(t, { rules: { channels: { chat: () => ({ bio: 'x'.repeat(1024) }) } } });
  t.equal((await ask('presence-chat', await token())).status, 403);
  t.match(refusalLine(t, lines, 'member_too_large'), { level: 'error', rule: 'chat', reason: /1034 bytes .* 1024/ });
});

t.test('an encrypted channel gets its shared secret', async (t) => {
  const encryptionMasterKey = new Uint8Array(32).fill(7);
  const { ask } = harness(t, { apps: [app({ encryptionMasterKey })] });
  const answer = await ask('private-encrypted-domain.7', await token());
  const expected = createHash('sha256')
    .update('private-encrypted-domain.7')
    .update(encryptionMasterKey)
    .digest('base64');
  t.equal(answer.json.shared_secret, expected);
  t.equal((await ask('private-domain.7', await token())).json.shared_secret, undefined, 'others get none');
});

t.test('an encrypted channel of an app without a master key: 403, and the log says how to set it', async (t) => {
  const { ask, lines } = harness(t);
  t.equal((await ask('private-encrypted-domain.7', await token())).status, 403);
  t.match(refusalLine(t, lines, 'encryption_key_missing'), {
    level: 'error',
    reason: /encryptionMasterKey.*openssl rand/,
  });
});

t.test('sign-in', async (t) => {
  const exp = now() + 60;
  const { signIn } = harness(t, { rules: { channels: {}, user: () => ({ info: { name: 'Ada' }, watchlist: ['7'] }) } });
  const answer = await signIn(await token({ exp }));
  const userData = `{"id":"42","user_info":{"name":"Ada"},"watchlist":["7"],"exp":${exp}}`;
  t.equal(answer.status, 200);
  t.strictSame(answer.json, { auth: userAuth(credentials, SOCKET_ID, userData), user_data: userData });
});

t.test('sign-in without a user rule: the published vector', async (t) => {
  const answer = await harness(t).signIn(await token({ sub: '12345', exp: undefined }));
  t.strictSame(answer.json, {
    auth: `${KEY}:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba`,
    user_data: '{"id":"12345"}',
  });
});

async function send(server: Harness['server'], url: string, payload: string, type: string, jwt: string) {
  const headers = { ...(type === '' ? {} : { 'content-type': type }), authorization: `bearer ${jwt}` };
  return server.inject({ method: 'POST', url, payload, headers, remoteAddress: '203.0.113.9' });
}

const FORM = 'application/x-www-form-urlencoded';

t.test('forms and JSON, on all four paths', async (t) => {
  const { server } = harness(t);
  const jwt = await token();
  const fields = { socket_id: SOCKET_ID, channel_name: 'private-domain.7', other: 'ignored' };
  const bodies = [
    [FORM, new URLSearchParams(fields).toString()],
    [`${FORM}; charset=UTF-8`, new URLSearchParams(fields).toString()],
    ['application/json', JSON.stringify(fields)],
    ['application/json; charset=utf-8', JSON.stringify(fields)],
  ] as const;
  for (const [type, body] of bodies) {
    for (const path of AUTH_PATHS.channel) {
      const response = await send(server, path, body, type, jwt);
      t.match(response.json(), { auth: /^278d425bdf160c739803:[0-9a-f]{64}$/, channel_data: /./ }, `${path} ${type}`);
    }
    for (const path of AUTH_PATHS.user) {
      const response = await send(server, path, body, type, jwt);
      t.match(response.json(), { auth: /^278d425bdf160c739803:[0-9a-f]{64}$/, user_data: /./ }, `${path} ${type}`);
    }
  }
  t.strictSame(AUTH_PATHS, {
    channel: ['/broadcasting/auth', '/pusher/auth'],
    user: ['/broadcasting/user-auth', '/pusher/user-auth'],
  });
});

async function refusedBody(t: Test, body: string, type: string, status: number, code: string, error: RegExp) {
  const { server, lines } = harness(t, { apps: [app({ allowedOrigins: ['https://a.example'] })] });
  const response = await server.inject({
    method: 'POST',
    url: '/broadcasting/auth',
    payload: body,
    headers: { 'content-type': type, authorization: `Bearer ${await token()}`, origin: 'https://a.example' },
  });
  t.equal(response.statusCode, status);
  t.match(response.json(), { error });
  t.equal(response.headers['access-control-allow-origin'], 'https://a.example', 'so that the page may read the status');
  refusalLine(t, lines, code);
}

t.test('requests that are malformed', async (t) => {
  const good = `socket_id=${SOCKET_ID}`;
  const cases: ReadonlyArray<readonly [string, string, string, number, string, RegExp]> = [
    ['no socket id', 'channel_name=private-domain.7', FORM, 400, 'socket_id_invalid', /socket_id/],
    ['a socket id of another form', 'socket_id=12&channel_name=private-x', FORM, 400, 'socket_id_invalid', /123\.456/],
    [
      'a socket id with more behind it',
      'socket_id=1.2:private-y&channel_name=private-x',
      FORM,
      400,
      'socket_id_invalid',
      /./,
    ],
    ['a socket id with a line end', 'socket_id=1.2%0A&channel_name=private-x', FORM, 400, 'socket_id_invalid', /./],
    ['two socket ids', `${good}&socket_id=5.6&channel_name=private-x`, FORM, 400, 'socket_id_invalid', /./],
    [
      'a socket id that is a number',
      '{"socket_id":12.5,"channel_name":"private-x"}',
      'application/json',
      400,
      'socket_id_invalid',
      /./,
    ],
    [
      'characters no channel has',
      `${good}&channel_name=private-a%20b`,
      FORM,
      400,
      'channel_name_invalid',
      /channel name/,
    ],
    [
      'a channel name too long',
      `${good}&channel_name=private-${'a'.repeat(200)}`,
      FORM,
      400,
      'channel_name_invalid',
      /./,
    ],
    [
      'two channel names',
      `${good}&channel_name=private-x&channel_name=private-y`,
      FORM,
      400,
      'channel_name_invalid',
      /./,
    ],
    ['broken JSON', '{"socket_id":', 'application/json', 400, 'body_malformed', /JSON object/],
    ['an empty JSON body', '', 'application/json', 400, 'body_malformed', /./],
    ['a list', '[]', 'application/json', 400, 'body_malformed', /./],
    ['a prototype', '{"__proto__":{"socket_id":"1.2"}}', 'application/json', 400, 'body_malformed', /./],
    ['plain text', good, 'text/plain', 415, 'media_type_unsupported', /form or JSON/],
    ['XML', '<x/>', 'application/xml', 415, 'media_type_unsupported', /form or JSON/],
    ['too large', `${good}&channel_name=${'a'.repeat(17_000)}`, FORM, 413, 'body_too_large', /too large/],
    ['an empty channel name', `${good}&channel_name=`, FORM, 403, 'channel_name_missing', /missing/],
    ['no channel name', good, FORM, 403, 'channel_name_missing', /missing/],
    ['a public channel', `${good}&channel_name=news`, FORM, 403, 'channel_not_guarded', /no authorization/],
    ['a public channel that looks private', `${good}&channel_name=privateer`, FORM, 403, 'channel_not_guarded', /./],
    ['a public cache channel', `${good}&channel_name=cache-news`, FORM, 403, 'channel_not_guarded', /./],
    ['the channel of a user', `${good}&channel_name=%23server-to-user-1`, FORM, 403, 'channel_not_guarded', /./],
    [
      'an unknown app',
      `${good}&channel_name=private-domain.7&app_key=nobody`,
      FORM,
      403,
      'app_not_found',
      /^Forbidden$/,
    ],
  ];
  for (const [name, ...rest] of cases) await t.test(name, (t) => refusedBody(t, ...rest));
});

t.test('other methods: 405; other paths: 404', async (t) => {
  const { server, lines } = harness(t);
  for (const path of [...AUTH_PATHS.channel, ...AUTH_PATHS.user]) {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) {
      const response = await server.inject({ method, url: `${path}?x=1` });
      t.equal(response.statusCode, 405, `${method} ${path}`);
      t.equal(response.headers.allow, 'POST, OPTIONS');
      t.strictSame(response.json(), { error: 'Use POST' });
    }
  }
  const elsewhere = await server.inject({ method: 'POST', url: '/broadcasting/other', payload: {} });
  t.equal(elsewhere.statusCode, 404);
  t.ok(
    lines.every(({ level }) => level === 'debug'),
    'of interest to nobody but who looks for it',
  );
});

t.test('the app: by app_key, by default, or the only one', async (t) => {
  const [one, two] = [
    app(),
    app({ id: '4', key: 'key-two', secret: 'secret-two', allowedOrigins: ['https://two.example'] }),
  ];
  const jwt = await token();
  const body = `socket_id=${SOCKET_ID}&channel_name=private-domain.7`;
  const several = harness(t, { apps: [one, two] });
  t.equal((await send(several.server, '/broadcasting/auth', body, FORM, jwt)).statusCode, 400);
  refusalLine(t, several.lines, 'app_unspecified');
  const named = await send(several.server, '/broadcasting/auth', `${body}&app_key=key-two`, FORM, jwt);
  const { auth, channel_data } = named.json();
  t.equal(auth, channelAuth(two, SOCKET_ID, 'private-domain.7', channel_data), "signed with that app's secret");
  const byDefault = harness(t, { apps: [one, two], settings: { appId: '4' } });
  t.match((await send(byDefault.server, '/broadcasting/auth', body, FORM, jwt)).json(), { auth: /^key-two:/ });
  const disabled = harness(t, { apps: [app({ enabled: false })] });
  t.equal((await send(disabled.server, '/broadcasting/auth', body, FORM, jwt)).statusCode, 403);
  refusalLine(t, disabled.lines, 'app_disabled');
});

t.test('origins', async (t) => {
  const origins = ['https://a.example', 'https://*.b.example'];
  const apps = [app({ allowedOrigins: origins })];
  const jwt = await token();
  for (const [origin, allowed] of [
    ['https://a.example', true],
    ['https://chat.b.example', true],
    ['https://evil.example', false],
    ['null', false],
  ] as const) {
    await t.test(origin, async (t) => {
      const { ask, lines } = harness(t, { apps });
      const answer = await ask('private-domain.7', jwt, { origin });
      t.equal(answer.status, allowed ? 200 : 403);
      t.match(answer.headers.vary, /Origin/);
      t.equal(answer.headers['access-control-allow-origin'], allowed ? origin : undefined);
      t.equal(answer.headers['access-control-allow-credentials'], undefined, 'no cookies, no credentials');
      if (!allowed) refusalLine(t, lines, 'origin_not_allowed', [jwt]);
    });
  }
  const server = harness(t, { apps });
  t.equal((await server.ask('private-domain.7', jwt)).status, 200, 'what is no browser has no origin');
  const refused = await server.ask('private-nobody', jwt, { origin: 'https://a.example' });
  t.equal(refused.status, 403);
  t.equal(refused.headers['access-control-allow-origin'], 'https://a.example', 'a refusal can be read as well');
});

t.test('preflight', async (t) => {
  const { server } = harness(t, { apps: [app({ allowedOrigins: ['https://a.example'] })], rules: ALLOW_DOMAINS });
  async function preflight(origin: string, asked: string) {
    return server.inject({
      method: 'OPTIONS',
      url: '/broadcasting/auth',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': asked },
    });
  }
  const allowed = await preflight('https://a.example', 'authorization,x-own');
  t.equal(allowed.statusCode, 204);
  t.match(allowed.headers, {
    'access-control-allow-origin': 'https://a.example',
    'access-control-allow-headers': 'authorization,x-own',
    'access-control-allow-methods': 'POST, OPTIONS',
    'access-control-max-age': '7200',
    vary: /Origin/,
  });
  const odd = await preflight('https://a.example', 'x\u0000y');
  t.match(odd.headers['access-control-allow-headers'], /^Authorization, Content-Type/);
  t.notOk('access-control-allow-origin' in (await preflight('https://evil.example', 'authorization')).headers);
});
