import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { APP, startFanfare } from '../support/target.ts';
import { within } from '../support/wait.ts';

t.test('a path prefix stands in front of everything', async (t) => {
  const target = await startFanfare(t, { pathPrefix: '/realtime/v1' });
  const query = '?protocol=7&client=js';
  const client = await RawClient.connect(t, target, { path: `/realtime/v1/app/${APP.key}${query}` });
  const channel = unique('c');
  await client.subscribe(channel);

  const api = new SignedApi(target);
  const body = JSON.stringify({ name: 'e', data: '1', channels: [channel] });
  const path = `/apps/${APP.id}/events`;
  const unprefixed = await api.request({ method: 'POST', path, sentPath: `/realtime/v1${path}`, body });
  t.equal(unprefixed.status, 200, 'signed without the prefix, as behind a proxy that adds it');
  t.equal((await client.next('e')).data, '1');
  const prefixed = await api.request({ method: 'POST', path: `/realtime/v1${path}`, body });
  t.equal(prefixed.status, 200, "signed with it, as PHP's path option does");
  await client.next('e');
  const other = RawClient.open(t, target, { path: `/realtime/v1/nothing${query}` });
  t.equal((await within(other.closed, 'the close')).code, 4005);
});

t.test('TLS by certificate files: wss and https', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-tls-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const options = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost';
  execFileSync('openssl', ['req', ...options.split(' '), '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
  const target = await startFanfare(t, { tls: { keyFile, certFile }, apps: [{ ...APP, tlsOnly: true }] });
  t.match(target.wsOrigin, /^wss:/);
  const client = await RawClient.connect(t, target);
  const channel = unique('c');
  await client.subscribe(channel);
  await new SignedApi(target).trigger(channel, 'e', '"over TLS"');
  t.equal((await client.next('e')).data, '"over TLS"');
});

t.test('permessage-deflate: off by default, on where configured and offered', async (t) => {
  const offered = 'sec-websocket-extensions';
  const plain = await startFanfare(t);
  const without = RawClient.open(t, plain, { perMessageDeflate: true });
  t.notOk(offered in (await within(without.upgrade, 'the upgrade')).headers);
  await without.next('pusher:connection_established');

  const target = await startFanfare(t, { connections: { compression: true } });
  const client = RawClient.open(t, target, { perMessageDeflate: true });
  t.match((await within(client.upgrade, 'the upgrade')).headers[offered], 'permessage-deflate');
  await client.next('pusher:connection_established');
  const other = await RawClient.connect(t, target);
  const channel = unique('c');
  const data = JSON.stringify({ text: 'zażółć gęślą jaźń '.repeat(500) });
  for (const each of [client, other]) await each.subscribe(channel);
  for (let i = 0; i < 3; i += 1) await new SignedApi(target).trigger(channel, 'e', data);
  for (const each of [client, other]) {
    for (let i = 0; i < 3; i += 1) t.equal((await each.next('e')).data, data);
  }
});

t.test('liveness: a peer that answers no ping is closed with 4201, one that does stays', async (t) => {
  const target = await startFanfare(t, {
    connections: { activityTimeoutSeconds: 1, pingIntervalSeconds: 1, pongTimeoutSeconds: 1 },
  });
  const deaf = await RawClient.connect(t, target, { autoPong: false });
  const answering = await RawClient.connect(t, target);
  const talking = await RawClient.connect(t, target, { autoPong: false });
  // Java and Swift do not answer a pusher:ping: a WebSocket ping it must be, and any frame is a sign of life.
  let pings = 0;
  answering.socket.on('ping', () => {
    pings += 1;
  });
  const talk = setInterval(() => talking.send({ event: 'pusher:ping', data: {} }), 300);
  t.teardown(() => clearInterval(talk));
  const { code } = await within(deaf.closed, 'the close of the deaf one', 8000);
  t.equal(code, 4201);
  t.ok(pings > 0, 'pings are WebSocket frames');
  t.equal(answering.frames.filter((frame) => frame.event === 'pusher:ping').length, 0);
  for (const client of [answering, talking]) {
    await client.fence();
    t.equal(client.socket.readyState, 1);
  }
});

t.test('liveness for a load balancer', async (t) => {
  const target = await startFanfare(t);
  t.equal((await send(target.origin, 'GET', '/')).status, 200);
  t.equal((await send(target.origin, 'GET', '/ready')).status, 200);
});

t.test('connections of the node and of one address are limited', async (t) => {
  for (const connections of [{ max: 2 }, { maxPerIp: 2 }]) {
    const target = await startFanfare(t, { connections });
    const [first] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
    const third = RawClient.open(t, target);
    await within(third.opened, 'the upgrade');
    const { code } = await within(third.closed, 'the close');
    t.ok([4004, 4100].includes(code), `${JSON.stringify(connections)}: ${code}`);
    t.equal(third.frames[0]?.event, 'pusher:error');
    await first.close();
  }
});
