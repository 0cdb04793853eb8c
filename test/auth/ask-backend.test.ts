import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import t, { type Test } from 'tap';
import type { AskOptions, ChannelRules } from '../../src/auth/index.ts';
import { harness, httpServer, refusalLine, token } from '../support/auth.ts';
import { freePort } from '../support/free-port.ts';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

function asking(url: string, options?: AskOptions): ChannelRules {
  return {
    channels: {
      'order.{id}': async (_user, { id }, { ask }) => {
        const answer = await ask(`${url}/orders/${id}?key=of-the-query`, options);
        return typeof answer === 'object' && answer !== null && 'allowed' in answer && answer.allowed === true;
      },
    },
  };
}

async function backend(t: Test, answer: RequestListener = (_, response) => response.end('{"allowed":true}')) {
  const seen: Seen[] = [];
  const server = await httpServer(t, async (request, response) => {
    const entry: Seen = { method: request.method, url: request.url, headers: request.headers, body: '' };
    seen.push(entry);
    request.setEncoding('utf8').on('data', (chunk: string) => {
      entry.body += chunk;
    });
    await once(request, 'end');
    answer(request, response);
  });
  return { ...server, seen };
}

t.test('a GET without a body, and no token unless asked for', async (t) => {
  const { url, seen } = await backend(t);
  const { ask } = harness(t, { rules: asking(url) });
  t.equal((await ask('private-order.12', await token())).status, 200);
  t.match(seen, [
    {
      method: 'GET',
      url: '/orders/12?key=of-the-query',
      headers: { accept: 'application/json', 'user-agent': 'Fanfare-Rules' },
      body: '',
    },
  ]);
  t.notOk('authorization' in (seen[0]?.headers ?? {}));
});

t.test('a POST with a JSON body, headers and the token', async (t) => {
  const { url, seen } = await backend(t);
  const options = { body: { user: '42' }, headers: { 'X-Own': 'yes', 'User-Agent': 'own' }, forwardToken: true };
  const { ask } = harness(t, { rules: asking(url, options) });
  const jwt = await token();
  t.equal((await ask('private-order.12', jwt)).status, 200);
  t.match(seen, [
    {
      method: 'POST',
      body: '{"user":"42"}',
      headers: {
        'content-type': 'application/json',
        'x-own': 'yes',
        'user-agent': 'own',
        authorization: `Bearer ${jwt}`,
      },
    },
  ]);
});

t.test('what does not say yes is a no', async (t) => {
  const elsewhere = await backend(t);
  const cases: ReadonlyArray<readonly [string, RequestListener, string, RegExp, AskOptions?]> = [
    ['its own no', (_, response) => response.end('{"allowed":false}'), 'rule_denied', /./],
    ['401', (_, response) => response.writeHead(401).end(), 'backend_denied', /\/orders\/12 answered 401/],
    ['403', (_, response) => response.writeHead(403).end('{"allowed":true}'), 'backend_denied', /answered 403/],
    ['404', (_, response) => response.writeHead(404).end(), 'backend_denied', /answered 404/],
    ['500', (_, response) => response.writeHead(500).end('{"allowed":true}'), 'rule_failed', /answered 500/],
    ['no JSON', (_, response) => response.end('<html>'), 'rule_failed', /not JSON/],
    ['nothing', (_, response) => response.end(), 'rule_failed', /not JSON/],
    [
      'too much',
      (_, response) => response.end(`{"allowed":true,"x":"${'x'.repeat(70_000)}"}`),
      'rule_failed',
      /65536 bytes/,
    ],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: elsewhere.url }).end(),
      'rule_failed',
      /redirect/,
    ],
    ['no answer', () => undefined, 'rule_failed', /time limit/, { timeoutSeconds: 0.1 }],
    ['half an answer', (_, response) => response.write('{'), 'rule_failed', /time limit/, { timeoutSeconds: 0.1 }],
    ['a closed connection', (request) => request.socket.destroy(), 'rule_failed', /orders\/12: /],
  ];
  for (const [name, answer, code, reason, options] of cases) {
    await t.test(name, async (t) => {
      const { url } = await backend(t, answer);
      const { ask, lines } = harness(t, { rules: asking(url, { forwardToken: true, ...options }) });
      const jwt = await token();
      t.equal((await ask('private-order.12', jwt)).status, 403);
      const line = refusalLine(t, lines, code, [jwt, 'of-the-query']);
      t.match(line, { rule: 'order.{id}', userId: '42', reason });
      t.equal(line.level, code === 'rule_failed' ? 'error' : 'warn');
    });
  }
  t.equal(elsewhere.requests(), 0, 'no redirect was followed');
});

t.test('a backend that is not there', async (t) => {
  const gone = await freePort();
  // A name that may stand for two addresses, of which neither answers.
  const { ask, lines } = harness(t, { rules: asking(`http://localhost:${gone}`) });
  t.equal((await ask('private-order.12', await token())).status, 403);
  t.match(refusalLine(t, lines, 'rule_failed').reason, /orders\/12: ECONNREFUSED/);
});

t.test('questions of one rule share connections', async (t) => {
  const { url, connections } = await backend(t);
  const { ask } = harness(t, { rules: asking(url) });
  for (let question = 0; question < 5; question += 1)
    t.equal((await ask('private-order.12', await token())).status, 200);
  t.equal(connections(), 1);
});

t.test("the rule's own time limit stands above that of its question", async (t) => {
  const { url } = await backend(t, () => undefined);
  const { ask, lines } = harness(t, {
    rules: asking(url, { timeoutSeconds: 60 }),
    settings: { ruleTimeoutSeconds: 0.1 },
  });
  t.equal((await ask('private-order.12', await token())).status, 403);
  refusalLine(t, lines, 'rule_timeout');
});

t.test('other schemes are refused', async (t) => {
  const { ask, lines } = harness(t, { rules: asking('file:///etc') });
  t.equal((await ask('private-order.12', await token())).status, 403);
  t.match(refusalLine(t, lines, 'rule_failed').reason, /http or https/);
});
