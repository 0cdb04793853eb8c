import { request } from 'node:http';
import t from 'tap';
import { WebSocket } from 'ws';
import { type Running, startLogged } from '../support/transport.ts';
import { within } from '../support/wait.ts';

type Headers = Record<string, string | string[]>;

/** Connects with a key that no app has: the refusal's log line tells the address. */
async function addressOf(running: Running, headers: Headers): Promise<unknown> {
  const socket = new WebSocket(`${running.target.wsOrigin}/app/no-such-key?protocol=7`, { headers });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  t.equal(await within(closed, 'the refusal'), 4001);
  return (await running.logged('connection refused')).ip;
}

async function addressOfRequest(running: Running, headers: Headers): Promise<unknown> {
  const { hostname, port } = new URL(running.target.origin);
  const status = new Promise<number | undefined>((resolve, reject) => {
    const sent = request({ hostname, port, path: '/apps/app-id/channels?auth_key=app-key', headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    });
    sent.once('error', reject);
    sent.end();
  });
  t.equal(await within(status, 'an answer'), 401);
  return (await running.logged('API request refused')).ip;
}

t.test('without trusted proxies the connection alone says who it is', async (t) => {
  const running = await startLogged(t);
  const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Real-IP': '203.0.113.9', Forwarded: 'for=203.0.113.9' };
  t.equal(await addressOf(running, headers), '127.0.0.1');
  t.equal(await addressOfRequest(running, headers), '127.0.0.1');
});

t.test('behind a trusted proxy it is the last address that is none', async (t) => {
  const running = await startLogged(t, { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] });
  const chains: [header: string | string[], expected: string, why: string][] = [
    ['203.0.113.9', '203.0.113.9', 'one proxy'],
    ['198.51.100.1, 203.0.113.9, 10.0.0.2', '203.0.113.9', 'what comes before may be invented'],
    ['2001:DB8::0001', '2001:db8::1', 'IPv6'],
    // HAProxy adds a header of its own after the client's instead of extending it.
    [['198.51.100.1', '203.0.113.9'], '203.0.113.9', 'two headers'],
    [['198.51.100.1', '203.0.113.9, 10.0.0.2', '10.0.0.3'], '203.0.113.9', 'three headers'],
    [['', '203.0.113.10'], '203.0.113.10', 'an empty header in front does not hide the other'],
    [['', '', '203.0.113.10, 10.0.0.2'], '203.0.113.10', 'nor do two'],
  ];
  for (const [header, expected, why] of chains) {
    t.equal(await addressOf(running, { 'X-Forwarded-For': header }), expected, why);
    t.equal(await addressOfRequest(running, { 'X-Forwarded-For': header }), expected, `${why}, by HTTP`);
  }
  t.equal(await addressOf(running, {}), '127.0.0.1', 'the proxy itself');
});

t.test('the limit of one address is that of the client, not of the proxy', async (t) => {
  const running = await startLogged(t, { trustedProxies: ['127.0.0.1'], connections: { maxPerIp: 1 } });
  const outcome = async (client: string) => {
    const socket = new WebSocket(`${running.target.wsOrigin}/app/app-key?protocol=7`, {
      headers: { 'X-Forwarded-For': client },
    });
    t.teardown(() => socket.terminate());
    const first = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(String(bytes))));
    return await within(first, 'the first frame');
  };
  t.match(await outcome('203.0.113.1'), 'pusher:connection_established');
  t.match(await outcome('203.0.113.2'), 'pusher:connection_established');
  t.match(await outcome('203.0.113.1'), '"code":4100');
});

t.test('TLS that a trusted proxy ends counts as TLS; anyone else only says so', async (t) => {
  const apps = [{ id: 'app-id', key: 'app-key', secret: 'app-secret', tlsOnly: true }];
  const first = async (running: Running, headers: Headers) => {
    const socket = new WebSocket(`${running.target.wsOrigin}/app/app-key?protocol=7`, { headers });
    t.teardown(() => socket.terminate());
    const frame = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(String(bytes))));
    return await within(frame, 'the first frame');
  };
  const trusting = await startLogged(t, { apps, trustedProxies: ['127.0.0.1'] });
  t.match(await first(trusting, { 'X-Forwarded-Proto': 'https' }), 'pusher:connection_established');
  t.match(await first(trusting, { 'X-Forwarded-Proto': 'http' }), '"code":4000');
  t.match(await first(trusting, {}), '"code":4000');
  const wary = await startLogged(t, { apps });
  t.match(await first(wary, { 'X-Forwarded-Proto': 'https' }), '"code":4000');
});
