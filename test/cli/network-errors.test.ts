import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { callServer } from '../../src/cli/call-server.ts';
import { networkErrorText } from '../../src/cli/server-url.ts';
import { run } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';

async function serving(t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('what came in the way of a request is said in words', async (t) => {
  const coded = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) });
  for (const [code, words] of [
    ['ECONNREFUSED', /no server listens there/],
    ['ENOTFOUND', /no host of that name/],
    ['CERT_HAS_EXPIRED', /certificate has expired/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /signed by itself/],
    ['EPROTO', /x \(EPROTO\)/],
  ] as const) {
    t.match(networkErrorText(coded(code)), words);
  }
  const cut = await serving(t, (_request, response) => {
    response.writeHead(200, { 'Content-Length': 100 });
    response.write('{', () => response.destroy());
  });
  await t.rejects(callServer(cut, {}, 5000), { message: /^Cannot reach http.*: the connection was cut/ });
  const silent = await serving(t, () => undefined);
  await t.rejects(callServer(silent, {}, 50), { message: /it did not answer in time$/ });
});

t.test('what answers and is not the server, or stands in front of it', async (t) => {
  const another = await serving(t, (_request, response) => response.end('<html>It works!</html>'));
  t.match(await run(['channels', '--url', another]), { code: 1, stderr: /^What answers at http.* is not Fanfare/ });
  t.match(await run(['reload', '--admin', another]), { code: 1, stderr: /is not Fanfare/ });
  const nobody = await freePort();
  t.match(await run(['reload', '--admin', `http://127.0.0.1:${nobody}`]), {
    code: 1,
    stderr: /no server listens there; start one with fanfare serve, or name it with --admin$/,
  });
  t.match(await run(['reload', '--admin', 'localhost:9601']), {
    code: 1,
    stderr: /^'localhost:9601' is not the URL of a server \(from --admin\); it looks like http:\/\/localhost:9601$/,
  });
  const clients = await serving(t, (_request, response) => response.writeHead(404).end('{"error":"Nothing there"}'));
  t.match(await run(['reload', '--admin', clients]), {
    stderr: 'The server answered 404: Nothing there; --admin takes the port for operators, 9601 as a rule',
  });
  const proxy = await serving(t, (_request, response) => response.writeHead(502).end('<html>502</html>'));
  t.match(await run(['trigger', 'c', 'e', '{}', '--url', proxy]), {
    code: 1,
    stderr: 'The server answered 502: Bad Gateway; a proxy in front of it says so, not Fanfare',
  });
  const refusing = await serving(t, (_request, response) => response.writeHead(401).end('{"error":"No token"}'));
  t.match(await run(['reload', '--admin', refusing]), { stderr: 'The server answered 401: No token' });
});
