import type { FastifyInstance } from 'fastify';
import {
  buildAuthServer,
  createTokenVerifier,
  FailureBlocks,
  nothingIsRevoked,
  RuleBook,
  RuleTurns,
} from '../../../src/auth/index.ts';
import { REFUSALS } from '../../../src/auth/refusals.ts';
import { ConfiguredApps } from '../../../src/core/contracts/app.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import { capture, jwtSettings, SECRET, token } from '../../support/auth.ts';
import { VECTOR_APP, vectorApp } from '../../support/unit-app.ts';
import { type FuzzTarget, mustBeSentence, mustHold } from './target.ts';

const STATUS = new Set([200, 204, ...Object.values(REFUSALS).map(({ status }) => status)]);

let serving: Promise<{ server: FastifyInstance; bearer: string }> | undefined;

async function serve(): Promise<{ server: FastifyInstance; bearer: string }> {
  const { logger } = capture();
  const server = buildAuthServer({
    apps: new ConfiguredApps([vectorApp()]),
    settings: {
      appId: undefined,
      cookieName: 'session',
      ruleTimeoutSeconds: 5,
      signChannelData: true,
      maxFailuresPerMinute: 0,
      failureBlockSeconds: 60,
    },
    verifier: createTokenVerifier(jwtSettings({ secret: SECRET }), logger),
    rules: new RuleBook({ channels: { 'domain.{domainId}': () => true, '{any}': () => ({ name: 'Ann' }) } }),
    turns: new RuleTurns(),
    isRevoked: nothingIsRevoked,
    failures: new FailureBlocks(createMetrics()),
    metrics: createMetrics(),
    logger: { debug: nobody, info: nobody, warn: nobody, error: nobody },
  });
  await server.ready();
  return { server, bearer: await token({ exp: 4_102_444_800 }) };
}

const nobody = () => undefined;

async function run(input: Buffer): Promise<number> {
  serving ??= serve();
  const { server, bearer } = await serving;
  const [head, ...rest] = input.toString('latin1').split('\n\n');
  const [line = '', ...fields] = (head ?? '').split('\n');
  const [method = '', url = ''] = line.split(' ', 2);
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const [, name, value = ''] = /^([a-z-]{1,40}): ?(.*)$/.exec(field) ?? [];
    if (name !== undefined) headers[name] = value.replace('valid', bearer);
  }
  const isKnown = /^(?:GET|POST|PUT|DELETE|OPTIONS|HEAD|PATCH)$/.test(method);
  const answer = await server.inject({
    method: isKnown ? (method as 'POST') : 'POST',
    url: url.startsWith('/') ? url : '/broadcasting/auth',
    remoteAddress: '203.0.113.9',
    headers,
    payload: Buffer.from(rest.join('\n\n'), 'latin1'),
  });
  mustHold(STATUS.has(answer.statusCode), `${answer.statusCode}, which is not documented: ${answer.payload}`);
  mustHold(answer.statusCode < 500 || answer.statusCode === 503, `${answer.statusCode}: ${answer.payload}`);
  for (const secret of [SECRET, VECTOR_APP.secret, bearer])
    mustHold(!answer.payload.includes(secret), `a secret in ${answer.payload}`);
  if (answer.payload !== '' && answer.statusCode !== 200) mustBeSentence(answer.payload, []);
  return 1;
}

const form = 'content-type: application/x-www-form-urlencoded\nauthorization: Bearer valid';

export const authorization: FuzzTarget = {
  name: 'authorization',
  input:
    'a request of the authorization endpoint: `METHOD /path`, headers, an empty line, the body; `valid` is a token',
  examples: [
    `POST /broadcasting/auth\n${form}\n\nsocket_id=1.1&channel_name=private-domain.7`,
    `POST /broadcasting/user-auth\n${form}\n\nsocket_id=1.1`,
    'POST /pusher/auth\ncontent-type: application/json\ncookie: session=valid\norigin: https://a.example\n\n' +
      '{"socket_id":"1.1","channel_name":"presence-x"}',
    'OPTIONS /broadcasting/auth\norigin: https://a.example\naccess-control-request-headers: authorization',
  ],
  dictionary: [
    ...[
      'socket_id=',
      'channel_name=',
      'private-',
      'presence-',
      'private-encrypted-',
      '1.1',
      '%',
      '%00',
      '&',
      '=',
      '[]',
    ],
    ...[
      'content-type: application/json',
      'content-type: text/plain',
      'authorization: Bearer ',
      'valid',
      'cookie: session=',
    ],
    ...[
      'content-length: 3',
      'transfer-encoding: chunked',
      '{"socket_id":',
      '"channel_name":',
      '__proto__',
      '\n\n',
      '\n',
    ],
  ],
  run,
};
