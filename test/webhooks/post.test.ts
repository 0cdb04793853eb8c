import { once } from 'node:events';
import { Agent, createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { payloadOf } from '../../src/webhooks/payload.ts';
import { post, reasonOf } from '../../src/webhooks/post.ts';
import { app } from '../support/unit-app.ts';
import { until, within } from '../support/wait.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const CREDENTIALS = { key: 'app-key', secret: 'app-secret' };
const PAYLOAD = payloadOf(app(CREDENTIALS), [], 1);

const settings = (allowPrivateNetworks: boolean) => ({ timeoutMs: 2000, allowPrivateNetworks, agent: undefined });

t.test('a name is looked at by the addresses that it has when the connection is made', async (t) => {
  const receiver = await WebhookReceiver.start(t, CREDENTIALS);
  const url = new URL(receiver.url.replace('127.0.0.1', 'localhost'));
  await t.rejects(post(url, PAYLOAD, settings(false)), { code: 'private_address' });
  t.equal(receiver.requests, 0);
  t.equal(await post(url, PAYLOAD, settings(true)), 200);
  t.same(receiver.complaints, []);
});

t.test('addresses of this machine and of private networks are refused however they are written', async (t) => {
  const hosts = ['127.0.0.1', '2130706433', '0x7f.1', '10.1.2.3', '169.254.169.254', '0.0.0.0', '100.64.0.1'];
  const six = ['[::1]', '[::ffff:127.0.0.1]', '[fd00::1]', '[fe80::1]', '[::]', '[64:ff9b::7f00:1]'];
  for (const host of [...hosts, ...six]) {
    const refusal = post(new URL(`http://${host}:1/`), PAYLOAD, settings(false));
    await t.rejects(refusal, { code: 'private_address' }, host);
  }
});

t.test('an endpoint that is not there is a failure like any other', async (t) => {
  await t.rejects(post(new URL('http://127.0.0.1:1/'), PAYLOAD, settings(true)), { code: 'ECONNREFUSED' });
  await t.rejects(post(new URL('http://nowhere.invalid/'), PAYLOAD, settings(false)));
});

/** An endpoint that answers so; resolves, with what was written, once its connection has been closed. */
async function endpoint(t: Test, answer: (response: ServerResponse) => void) {
  let ended = (_: number) => undefined;
  const written = new Promise<number>((resolve) => {
    ended = (bytes) => void resolve(bytes);
  });
  const server = createServer((request, response) => {
    request.resume();
    const { socket } = request;
    socket.on('close', () => ended(socket.bytesWritten));
    answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), written };
}

const LONG = { ...settings(true), timeoutMs: 60_000 };

t.test('an answer that never ends is not read to its end', async (t) => {
  const { url, written } = await endpoint(t, (response) => {
    const chunk = Buffer.alloc(65_536);
    const more = () => {
      while (response.write(chunk));
    };
    response.on('drain', more);
    more();
  });
  t.equal(await post(url, PAYLOAD, LONG), 200);
  t.ok((await within(written, 'the connection is cut')) < 64 * 1024 * 1024);
});

t.test('an endpoint that says without end that it will answer is not waited for', async (t) => {
  const { url, written } = await endpoint(t, (response) => {
    const timer = setInterval(() => response.writeProcessing(), 1);
    response.on('close', () => clearInterval(timer));
  });
  await t.rejects(within(post(url, PAYLOAD, LONG), 'it is given up'), { message: /without answering/ });
  await within(written, 'the connection is cut');
});

t.test('an upgrade that nobody asked for is a failure', async (t) => {
  const { url } = await endpoint(t, ({ socket }) => {
    socket?.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
  });
  const posted = within(post(url, PAYLOAD, { ...LONG, timeoutMs: 500 }), 'it is given up');
  await t.rejects(posted, { message: /without an answer/ });
});

t.test('what was wrong is told in a few words, whatever the endpoint says of itself', async (t) => {
  const names = Array.from({ length: 1000 }, (_, index) => `DNS:${index}.example`).join(', ');
  t.ok(reasonOf(new Error(`is not in the cert's altnames: ${names}`)).length <= 310);
  t.equal(reasonOf(new Error('connect ECONNREFUSED 127.0.0.1:1')), 'connect ECONNREFUSED 127.0.0.1:1');
});

t.test('a short answer leaves the connection for the next request', async (t) => {
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const ports = new Set<number | undefined>();
  const { url } = await endpoint(t, (response) => {
    ports.add(response.socket?.remotePort);
    response.end('x'.repeat(1000));
  });
  for (let index = 0; index < 3; index += 1) {
    t.equal(await post(url, PAYLOAD, { ...LONG, agent }), 200);
    await until(() => Object.keys(agent.freeSockets).length === 1, 'its connection is free');
  }
  t.equal(ports.size, 1);
});
