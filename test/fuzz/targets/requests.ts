import { ApiFixture, app, NOW_SECONDS, request, SECRET } from '../../support/api.ts';
import { md5, requestSignature } from '../../support/signing.ts';
import { VECTOR_APP } from '../../support/unit-app.ts';
import { type FuzzTarget, mustBeSentence, mustHold } from './target.ts';

/** What docs/protocol.md lists, but for those of limits and of a Redis that is away. */
const STATUS = new Set([200, 204, 400, 401, 403, 404, 405, 413, 415, 429]);
/** New apps now and then: what is published is kept by the fixture. */
const RUNS_OF_A_FIXTURE = 1000;

let fixture = new ApiFixture([app({ rewind: [] })]);
let runs = 0;

/** `signature=valid` stands for all that a signed request carries. */
function signed(method: string, path: string, query: string, body: Buffer): string {
  if (!query.includes('signature=valid')) return query;
  const others = query.split('&').filter((pair) => pair !== '' && !/^(?:auth_)?signature=/.test(pair));
  const own = {
    auth_key: VECTOR_APP.key,
    auth_timestamp: String(NOW_SECONDS),
    auth_version: '1.0',
    ...(body.length === 0 ? {} : { body_md5: md5(body) }),
  };
  const given = Object.fromEntries(new URLSearchParams(others.join('&')));
  const signature = requestSignature(SECRET, method, path, { ...given, ...own });
  return [...others, ...Object.entries(own).map((pair) => pair.join('=')), `auth_signature=${signature}`].join('&');
}

async function run(input: Buffer): Promise<number> {
  runs += 1;
  if (runs % RUNS_OF_A_FIXTURE === 0) fixture = new ApiFixture([app()]);
  const end = input.indexOf(0x0a);
  const line = input.toString('utf8', 0, end < 0 ? input.length : end);
  const body = end < 0 ? Buffer.alloc(0) : input.subarray(end + 1);
  const [method = 'GET', target = '/'] = line.split(' ', 2);
  const [path = '', query = ''] = target.split('?', 2);
  const sent = { ...request(method, path, signed(method, path, query, body)), body };
  const answer = await fixture.send(sent);
  const text = String(answer.body);
  mustHold(STATUS.has(answer.status), `${answer.status}, which is not documented: ${text}`);
  if (answer.status === 200) mustHold(typeof JSON.parse(text) === 'object', `no JSON object: ${text}`);
  else if (text !== '') mustBeSentence(text, [SECRET]);
  mustHold(!fixture.log.some(({ level }) => level === 'error'), 'an error is logged');
  return 1;
}

const post = (path: string, body: object) => `POST /apps/3${path}?signature=valid\n${JSON.stringify(body)}`;
const event = { name: 'e', data: '{"a":1}', channel: 'c' };

export const requests: FuzzTarget = {
  name: 'requests',
  input: 'a request of the HTTP API: `METHOD /path?query`, then the body; `signature=valid` is replaced by a true one',
  examples: [
    post('/events', { name: 'e', data: '{}', channels: ['a', 'private-b'], socket_id: '1.1', info: 'user_count' }),
    post('/batch_events', { batch: [event, { ...event, info: 'subscription_count' }] }),
    post('/users/42/terminate_connections', {}),
    'GET /apps/3/channels?filter_by_prefix=presence-&info=user_count&signature=valid',
    'GET /apps/3/channels/presence-a?info=user_count,subscription_count&signature=valid',
    'GET /apps/3/channels/presence-a/users?signature=valid',
    'GET /apps/3/channels?auth_key=278d425bdf160c739803&auth_timestamp=1&auth_version=1.0&auth_signature=00',
    'OPTIONS /apps/3/events',
  ],
  dictionary: [
    ...['GET ', 'POST ', 'HEAD ', 'OPTIONS ', '/apps/3', '/events', '/batch_events', '/channels', '/users', '%2F', '%'],
    ...[
      'signature=valid',
      'auth_key=',
      'auth_timestamp=',
      'auth_version=1.0',
      'body_md5=',
      'info=',
      '&',
      '=',
      '+',
      '?',
    ],
    ...[
      '"name":',
      '"data":',
      '"channel":',
      '"channels":',
      '"batch":',
      '"socket_id":',
      '"info":',
      'presence-',
      '\\u0000',
    ],
    ...[
      'filter_by_prefix=',
      'user_count',
      'subscription_count',
      'cache',
      '__proto__',
      '\n',
      '[]',
      '{}',
      'null',
      '1e99',
    ],
  ],
  run,
};
