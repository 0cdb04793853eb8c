import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import t from 'tap';
import { unique } from '../support/names.ts';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

t.test('a server that stops closes with 4200, and lets nobody in to be told so at once', async (t) => {
  const target = await startFanfare(t, { shutdownGraceSeconds: 2 });
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(t, target)));
  for (const client of clients) await client.subscribe('c');
  const stopped = target.stop();
  for (const client of clients) t.equal((await within(client.closed, 'the close')).code, 4200);
  await within(stopped, 'the stop');
  // A 4200 before connection_established would make a client try again without a pause.
  const late = RawClient.open(t, target);
  await within(late.closed, 'the refusal');
  t.equal(late.frames.length, 0, 'a connection is not taken any more');
});

t.test('behind a load balancer pusher-js comes back at once, to another server, and subscribes again', async (t) => {
  const [first, second] = [await startFanfare(t), await startFanfare(t)];
  let upstream = first.port;
  const balancer = createServer((client) => {
    const server = connect(upstream, '127.0.0.1');
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  t.teardown(() => balancer.close());
  const { port } = balancer.address() as AddressInfo;

  const channel = unique('c');
  const pusher = await connectPusher(t, { ...first, origin: `http://127.0.0.1:${port}` });
  const subscription = pusher.subscribe(channel);
  await emitted(subscription, 'pusher:subscription_succeeded');
  const { socket_id: before } = pusher.connection;
  const states: string[] = [];
  pusher.connection.bind('state_change', ({ current }: { current: string }) => states.push(current));
  upstream = second.port;
  const subscribed = emitted(subscription, 'pusher:subscription_succeeded');
  await first.stop();
  await subscribed;
  t.strictSame(states, ['connecting', 'connected'], 'without a pause or an error');
  t.not(pusher.connection.socket_id, before);
  const event = emitted(subscription, 'e');
  await new SignedApi(second).trigger(channel, 'e', '{"n":1}');
  t.strictSame(await event, { n: 1 });
});

t.test(
  'a server that stops ends the kept-open connections of backends with a last answer, not by cutting them',
  async (t) => {
    const target = await startFanfare(t, { shutdownGraceSeconds: 2 });
    await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(t, target)));
    const proxy = connect(target.port, '127.0.0.1');
    t.teardown(() => proxy.destroy());
    let answer = '';
    proxy.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    const ask = async () => {
      answer = '';
      proxy.write('GET / HTTP/1.1\r\nHost: fanfare\r\n\r\n');
      await until(() => answer.endsWith('OK'), 'an answer');
      return answer;
    };
    t.notMatch(await ask(), /connection: close/i, 'before: kept open');
    const stopped = target.stop();
    const ended = once(proxy, 'end');
    t.match(await ask(), /connection: close/i, 'while it drains: the last on this connection');
    await within(ended, 'the end of the connection');
    await stopped;
  },
);
