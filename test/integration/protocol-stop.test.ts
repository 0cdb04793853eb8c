import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import t from 'tap';
import { unique } from '../support/names.ts';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { within } from '../support/wait.ts';

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
