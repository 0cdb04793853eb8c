import t from 'tap';
import { unique } from '../support/names.ts';
import { type ApiRequest, SignedApi, send } from '../support/signed-api.ts';
import { md5 } from '../support/signing.ts';
import { openTarget } from '../support/target.ts';

const target = await openTarget(t);
const api = new SignedApi(target);
const events = `/apps/${target.appId}/events`;
const channels = `/apps/${target.appId}/channels`;
const body = JSON.stringify({ name: 'e', data: 'zażółć', channels: [unique('c')] });
const now = () => Math.floor(Date.now() / 1000);

t.test('what the official libraries send is accepted', async (t) => {
  const accepted: Record<string, ApiRequest> = {
    'a POST': { method: 'POST', path: events, body },
    'a GET': { path: channels },
    'Python: body_md5 on a GET': { path: channels, bodyMd5: md5('') },
    'Go: a JSON content type on a GET': { path: channels, headers: { 'Content-Type': 'application/json' } },
    'Go and Python at once': {
      path: channels,
      bodyMd5: md5(''),
      headers: { 'Content-Type': 'application/json', 'Content-Length': '0' },
    },
    'Ruby: a charset in the content type': {
      method: 'POST',
      path: events,
      body,
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
    },
    'no content type': { method: 'POST', path: events, body, headers: { 'Content-Type': '' } },
    'a key in upper case, signed in lower': { path: channels, query: { Zulu: '1', ALPHA: '2', beta: '3' } },
    'a value that is encoded on the wire and decoded in the signature': {
      path: channels,
      query: { filter_by_prefix: 'presence-@=;,+ &?#%żółw', info: 'user_count' },
    },
    'an empty value': { path: channels, query: { filter_by_prefix: '' } },
    'a clock 590 s behind': { path: channels, timestamp: now() - 590 },
    'a clock 590 s ahead': { path: channels, timestamp: now() + 590 },
    'a body spelt unusually': {
      method: 'POST',
      path: events,
      body: `\n { "channels" : ["${unique('c')}"],\t"name":"\\u0065", "data": "\\ud83d\\ude00" } `,
    },
  };
  for (const [name, call] of Object.entries(accepted)) {
    const answer = await api.request(call);
    t.equal(answer.status, 200, `${name}: ${answer.text.slice(0, 100)}`);
  }
});

t.test('parameters may come in any order', async (t) => {
  const { pathAndQuery } = api.sign({ path: channels, query: { filter_by_prefix: 'a', zz: '1' } });
  const [path, query = ''] = pathAndQuery.split('?');
  const reversed = `${path}?${query.split('&').reverse().join('&')}`;
  t.equal((await send(target.origin, 'GET', reversed)).status, 200);
});

t.test('the same signed request may be sent again', async (t) => {
  const { pathAndQuery, headers } = api.sign({ method: 'POST', path: events, body });
  for (let i = 0; i < 2; i += 1) {
    t.equal((await send(target.origin, 'POST', pathAndQuery, headers, body)).status, 200, 'a retry');
  }
});

t.test('what is not signed rightly is a 401 with a sentence that keeps the secret', async (t) => {
  const refused: Record<string, ApiRequest> = {
    'a wrong secret': { path: channels, secret: 'wrong' },
    'a wrong signature': { path: channels, signature: '0'.repeat(64) },
    'an empty signature': { path: channels, signature: '' },
    'a signature that is too short': { path: channels, signature: 'abc' },
    'a signature of other characters': { path: channels, signature: 'é'.repeat(64) },
    'an unknown key': { path: channels, key: 'no-such-key' },
    'no key': { path: channels, without: ['auth_key'] },
    'no signature': { path: channels, without: ['auth_signature'] },
    'no timestamp': { path: channels, without: ['auth_timestamp'] },
    'a timestamp 610 s behind': { path: channels, timestamp: now() - 610 },
    'a timestamp 610 s ahead': { path: channels, timestamp: now() + 610 },
    'a timestamp in milliseconds': { path: channels, timestamp: Date.now() },
    'a timestamp that is no number': { path: channels, timestamp: Number.NaN },
    'a parameter taken away': { path: channels, query: { filter_by_prefix: 'a' }, without: ['filter_by_prefix'] },
    'another path than was signed': { path: channels, sentPath: `${channels}/c` },
    'a body_md5 of another body': { method: 'POST', path: events, body, bodyMd5: md5('other') },
    'a body_md5 of a body on a GET without one': { path: channels, bodyMd5: md5('other') },
  };
  for (const [name, call] of Object.entries(refused)) {
    const answer = await api.request(call);
    t.equal(answer.status, 401, name);
    t.match(answer.text, /\w+ \w+ \w+/, 'a sentence');
    t.notOk(answer.text.includes(target.secret), 'without the secret');
  }
  const { pathAndQuery } = api.sign({ path: channels });
  t.equal(
    (await send(target.origin, 'GET', `${pathAndQuery}&info=subscription_count`)).status,
    401,
    'a parameter added',
  );
  t.equal((await send(target.origin, 'POST', pathAndQuery.replace('/channels', '/events'), {}, body)).status, 401);
  t.equal((await send(target.origin, 'GET', channels)).status, 401, 'no query at all');
});

t.test('a body that was changed on the way is a 401', async (t) => {
  const { pathAndQuery, headers } = api.sign({ method: 'POST', path: events, body });
  const answer = await send(target.origin, 'POST', pathAndQuery, headers, body.replace('"e"', '"f"'));
  t.equal(answer.status, 401);
});

t.test('an app or a path that is not there', async (t) => {
  const app = await api.request({ path: '/apps/no-such-app/channels' });
  t.ok([401, 403, 404].includes(app.status), `an unknown app: ${app.status}`);
  t.match(app.text, /\w+ \w+/);
  for (const path of [`/apps/${target.appId}/nothing`, `/apps/${target.appId}`, '/nothing', '/apps']) {
    const answer = await api.request({ path });
    t.equal(answer.status, 404, path);
  }
  for (const path of [events, `/apps/${target.appId}/batch_events`]) {
    const answer = await api.request({ path });
    t.ok([404, 405].includes(answer.status), `GET ${path}: ${answer.status}`);
  }
});
