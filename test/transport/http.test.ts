import t from 'tap';
import { SignedApi, send } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { RawSocket } from '../support/transport.ts';
import { within } from '../support/wait.ts';

const target = await startFanfare(t, {
  apps: [{ id: 'app-id', key: 'app-key', secret: 'app-secret', limits: { maxEventBytes: 1024 } }],
  auth: { enabled: true, jwt: { secret: 'a-secret-of-the-tests-that-is-long-enough' } },
});
const port = Number(new URL(target.origin).port);
const api = new SignedApi(target);

/** A signed trigger as bytes. */
function trigger(channel: string): { head: string; body: string } {
  const body = JSON.stringify({ name: 'e', channels: [channel], data: '{}' });
  const { pathAndQuery } = api.sign({ method: 'POST', path: '/apps/app-id/events', body });
  const head = `POST ${pathAndQuery} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
  return { head, body };
}

t.test('what a load balancer asks', async (t) => {
  for (const path of ['/', '/ready', '/?x=1', '/ready?']) {
    t.equal((await send(target.origin, 'GET', path)).status, 200, path);
  }
});

t.test('paths that nothing is served at, and methods that nothing knows', async (t) => {
  for (const path of ['/nothing', '/app', '/apps', '/readyx', '/ready/', '//', '/%2e%2e/x', '/apps/app-id/unknown']) {
    const answer = await send(target.origin, 'GET', path);
    t.equal(answer.status, 404, path);
    t.match(answer.text, /\w+ \w+/, 'a sentence');
  }
  for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']) {
    const events = await send(target.origin, method, '/apps/app-id/events');
    t.equal(events.status, 405, method);
    t.match(events.headers.allow, 'POST');
  }
});

t.test('OPTIONS', async (t) => {
  const headers = { Origin: 'https://page.example', 'Access-Control-Request-Method': 'POST' };
  t.match((await send(target.origin, 'OPTIONS', '/apps/app-id/events', headers)).status, /^20[04]$/);
  t.match((await send(target.origin, 'OPTIONS', '/broadcasting/auth', headers)).status, /^20[04]$/);
});

t.test('HEAD has no body, so that the next response on the connection is read as such', async (t) => {
  const socket = await RawSocket.connect(t, port);
  for (const path of ['/', '/ready', '/nothing', '/apps/app-id/channels', '/broadcasting/auth']) {
    socket.write(`HEAD ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  }
  socket.write('GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await socket.until(/ready$/);
  const responses = socket.text.split(/(?=HTTP\/1\.1 )/);
  t.equal(responses.length, 6);
  for (const response of responses.slice(0, 5)) {
    t.match(response, /^HTTP\/1\.1 \d{3} [\s\S]*\r\n\r\n$/, response.split('\r\n')[0] ?? '');
  }
});

t.test('one connection serves one request after another, refusals included', async (t) => {
  const socket = await RawSocket.connect(t, port);
  const { head, body } = trigger('reused');
  for (let i = 1; i <= 3; i += 1) {
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    await socket.until(new RegExp(`(HTTP/1\\.1 200 OK[\\s\\S]*){${i}}\\{\\}$`));
    socket.write(`POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nsome a body`);
    await socket.until(new RegExp(`(HTTP/1\\.1 404 [\\s\\S]*){${i}}`));
  }
  t.equal(socket.count(/HTTP\/1\.1 /), 6, 'no body was taken for a request');
});

t.test('requests that are pipelined are answered in their order', async (t) => {
  const socket = await RawSocket.connect(t, port);
  const { head, body } = trigger('pipelined');
  const post = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  socket.write(`${post}GET /ready HTTP/1.1\r\nHost: x\r\n\r\n${post}GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n`);
  await socket.until(/(HTTP\/1\.1 [\s\S]*){4}/);
  const statuses = [...socket.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  t.strictSame(statuses, ['200', '200', '200', '404']);
});

t.test('bodies that come slowly, in pieces or in chunks', async (t) => {
  const { head, body } = trigger('slow');
  const slow = await RawSocket.connect(t, port);
  slow.socket.setNoDelay(true);
  slow.write(`${head}Content-Length: ${body.length}\r\n\r\n`);
  for (const byte of body) {
    slow.write(byte);
    await new Promise(setImmediate);
  }
  await slow.until(/HTTP\/1\.1 200 OK[\s\S]*\{\}$/);

  const chunked = await RawSocket.connect(t, port);
  chunked.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  for (const piece of [body.slice(0, 10), body.slice(10)]) {
    chunked.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await new Promise(setImmediate);
  }
  chunked.write('0\r\n\r\n');
  await chunked.until(/HTTP\/1\.1 200 OK[\s\S]*\{\}$/);
});

t.test('413: an event over its limit, and a body over any', async (t) => {
  const event = await api.post('/events', { name: 'e', channels: ['c'], data: 'x'.repeat(1025) });
  t.equal(event.status, 413);
  t.equal(event.text, 'The data content of this event exceeds the allowed maximum (1024 bytes)');
  const body = await api.post('/events', { name: 'e', channels: ['c'], data: 'x'.repeat(8 * 1024 * 1024) });
  t.equal(body.status, 413, 'the client gets to read the answer');
  t.match(body.text, /larger than \d+ bytes/);
  const auth = await send(target.origin, 'POST', '/broadcasting/auth', {}, 'x'.repeat(65 * 1024));
  t.equal(auth.status, 413);
});

t.test('a body for what takes none', async (t) => {
  const answer = await send(target.origin, 'GET', '/ready', { 'Content-Type': 'application/json' }, '{}');
  t.ok([200, 413].includes(answer.status), String(answer.status));
});

t.test('requests that are given up do no harm', async (t) => {
  const { head, body } = trigger('aborted');
  const whole = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  for (let cut = 1; cut < whole.length; cut += 25) {
    const socket = await RawSocket.connect(t, port);
    socket.write(whole.slice(0, cut));
    await new Promise(setImmediate);
    socket.socket.resetAndDestroy();
    await within(socket.ended, 'the end of the connection');
  }
  // Given up while the endpoint is at work.
  for (let i = 0; i < 20; i += 1) {
    const socket = await RawSocket.connect(t, port);
    socket.write(`GET /broadcasting/auth HTTP/1.1\r\nHost: x\r\n\r\n`);
    socket.write(whole);
    socket.socket.destroy();
  }
  t.equal((await api.post('/events', { name: 'e', channels: ['c'], data: '{}' })).status, 200);
});
