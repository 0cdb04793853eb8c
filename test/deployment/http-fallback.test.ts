import { randomUUID } from 'node:crypto';
import PusherServer from 'pusher';
import t, { type Test } from 'tap';
import { openClientPage } from '../support/chromium.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { unique } from '../support/names.ts';
import { type ClientSide, openNodeSide } from '../support/node-page.ts';
import { RawClient } from '../support/raw-client.ts';
import { openDeployment } from '../support/scenarios/deployment.ts';
import { SignedApi } from '../support/signed-api.ts';
import { channelAuth } from '../support/signing.ts';
import { until } from '../support/wait.ts';

/** Stock pusher-js over HTTP: through nginx, which does not let WebSockets through, to two nodes. */
const UPGRADE = 'proxy_set_header Upgrade           $http_upgrade;';
const deployment = await openDeployment(t, {
  edit: (nginx) => nginx.edit('fanfare-proxy.conf', [[UPGRADE, '']]),
});
const { target, nginx, nodes } = deployment;
const proxy = await CutProxy.start(nginx.httpsPort);
t.teardown(() => proxy.close());

const [node] = nodes;
if (node === undefined) throw new Error('a deployment has a node');
/** Straight to a node: what backends and other clients do is not what is tested here. */
const direct = { ...target, origin: `http://127.0.0.1:${node.port}`, wsOrigin: `ws://127.0.0.1:${node.port}` };
const api = new SignedApi(direct);
const backend = new PusherServer({
  ...{ appId: target.appId, key: target.key, secret: target.secret },
  host: '127.0.0.1',
  port: String(node.port),
  useTLS: false,
  encryptionMasterKeyBase64: Buffer.alloc(32, 7).toString('base64'),
});

/** Longer than pusher-js waits before it tries HTTP: 2 s, and 4 s more for polling. */
const PATIENCE_MS = 20_000;

/** In the page: a stock client that reports what it lives through. */
const PAGE = `
globalThis.start = (name, options) => {
  // Which transport was the last to connect, which after a few times is tried first.
  globalThis.localStorage?.removeItem('pusherTransportTLS');
  const customHandler = ({ socketId, channelName }, callback) =>
    sign(socketId, channelName).then((signed) => callback(null, signed), (error) => callback(error, null));
  const pusher = new Pusher('${target.key}', {
    cluster: '', forceTLS: true, disableStats: true,
    wsHost: '127.0.0.1', wssPort: ${proxy.port}, httpHost: '127.0.0.1', httpsPort: ${proxy.port},
    channelAuthorization: { customHandler },
    ...options,
  });
  globalThis[name] = pusher;
  pusher.connection.bind('connected', () => report(name + ' connected', pusher.connection.connection.transport.name));
};
globalThis.count = (name, channel) => {
  const numbers = globalThis[name + ' numbers'] = [];
  const joined = globalThis[name].subscribe(channel);
  joined.bind('pusher:subscription_succeeded', () => report(name + ' subscribed', null));
  // For the message of a test that waits in vain.
  joined.bind('fanfare:resumed', (resumed) => report(name + ' resumed', resumed));
  joined.bind('n', ({ n, end }) => {
    numbers.push(n);
    if (end) report(name + ' end', null);
  });
};`;

const LISTS = [
  { transports: ['xhr_streaming'], expected: 'xhr_streaming' },
  { transports: ['xhr_polling'], expected: 'xhr_polling' },
  { transports: undefined, expected: 'xhr_streaming' },
] as const;

const sides: Record<string, (t: Test) => Promise<ClientSide>> = {
  Node: async () => openNodeSide(),
  Chromium: (t) => openClientPage(t, 'pusher-with-encryption.js'),
};

const KINDS = [
  ...['', 'private-', 'presence-', 'private-encrypted-'],
  ...['cache-', 'private-cache-', 'presence-cache-', 'private-encrypted-cache-'],
];

for (const [sideName, open] of Object.entries(sides)) {
  t.test(`pusher-js in ${sideName}`, async (t) => {
    const side = await open(t);
    await side.expose('sign', (socketId: string, channelName: string) => {
      if (!channelName.startsWith('presence-')) return backend.authorizeChannel(socketId, channelName);
      const data = JSON.stringify({ user_id: 'ada', user_info: { name: 'Ada' } });
      return { auth: channelAuth(target, socketId, channelName, data), channel_data: data };
    });
    await side.run(PAGE);

    // A browser opens six connections to one host, and each of these clients takes one: none outlives its test.
    const start = async (t: Test, options: Record<string, unknown>) => {
      const name = unique('client');
      await side.run(`start('${name}', ${JSON.stringify(options)})`);
      t.teardown(() => side.run(`${name}.disconnect()`));
      return { name, transport: await side.reported(`${name} connected`, PATIENCE_MS) };
    };
    const publish = async (channel: string, numbers: readonly number[], last: number, text = '') => {
      for (let from = 0; from < numbers.length; from += 10) {
        const batch = numbers.slice(from, from + 10).map((n) => ({
          ...{ channel, name: 'n' },
          data: JSON.stringify({ n, end: n === last, text }),
        }));
        const { status, text: said } = await api.post('/batch_events', { batch });
        if (status !== 200) throw new Error(`${status} ${said}`);
      }
    };
    /** A client that polls is not to be caught between two requests. */
    const cut = (name: string) =>
      until(async () => {
        proxy.cut();
        return (await side.run(`${name}.connection.connection === null`)) === true;
      }, 'the client is cut off');
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const numbersOf = async (name: string) => (await side.run(`globalThis['${name} numbers']`)) as number[];

    for (const { transports, expected } of LISTS) {
      const list = transports === undefined ? {} : { enabledTransports: transports };

      const called = transports ?? 'the default list';

      t.test(`${called}: every kind of channel, client events, 2 MB in order`, async (t) => {
        const { name, transport } = await start(t, list);
        t.equal(transport, expected);
        for (const kind of KINDS) {
          const channel = `${kind}${unique('c')}`;
          await side.run(`(() => {
            const channel = ${name}.subscribe('${channel}');
            channel.bind('pusher:subscription_succeeded', () =>
              report('${channel} joined', channel.members?.count ?? 0));
            channel.bind('e', (data) => report('${channel} event', data));
            channel.bind('client-e', (data, metadata) => report('${channel} client event', { data, metadata }));
            channel.bind('pusher:member_added', (member) => report('${channel} added', member));
            channel.bind('pusher:member_removed', (member) => report('${channel} removed', member));
          })()`);
          t.equal(await side.reported(`${channel} joined`), kind.startsWith('presence-') ? 1 : 0, kind);
          await backend.trigger(channel, 'e', { text: 'żółw 😀' });
          t.strictSame(await side.reported(`${channel} event`), { text: 'żółw 😀' }, `${kind}: an event`);
          if (!/^(private|presence)-(?!encrypted)/.test(channel)) continue;
          const other = await RawClient.connect(t, direct);
          const isPresence = kind.startsWith('presence-');
          await other.subscribe(channel, isPresence ? '{"user_id":"grace","user_info":{"name":"Grace"}}' : undefined);
          if (isPresence) {
            t.strictSame(await side.reported(`${channel} added`), { id: 'grace', info: { name: 'Grace' } });
          }
          other.send({ event: 'client-e', channel, data: { to: 'page' } });
          t.match(await side.reported(`${channel} client event`), { data: { to: 'page' } }, `${kind}: a client event`);
          await side.run(`${name}.channel('${channel}').trigger('client-e', { to: 'other' })`);
          t.match(await other.next('client-e'), { data: '{"to":"other"}' }, `${kind}: a client event back`);
          await other.close();
          if (isPresence) t.match(await side.reported(`${channel} removed`), { id: 'grace' });
        }

        const channel = unique('large');
        await side.run(`count('${name}', '${channel}')`);
        await side.reported(`${name} subscribed`);
        await publish(channel, range(0, 200), 199, 'x'.repeat(10 * 1024));
        await side.reported(`${name} end`, PATIENCE_MS);
        t.strictSame(await numbersOf(name), range(0, 200), '2 MB, in order and without a hole');
      });

      t.test(`${called}: comes back after a cut`, async (t) => {
        const { name } = await start(t, list);
        const channel = unique('cut');
        await side.run(`count('${name}', '${channel}')`);
        await side.reported(`${name} subscribed`);
        await cut(name);
        t.equal(await side.reported(`${name} connected`, PATIENCE_MS), expected);
        await side.reported(`${name} subscribed`, PATIENCE_MS);
        await publish(channel, [1], 1);
        await side.reported(`${name} end`);
        t.strictSame(await numbersOf(name), [1]);
      });

      t.test(`${called}: resumes after a cut`, async (t) => {
        const token = randomUUID();
        const paths = { wsPath: `/resume/${token}`, httpPath: `/resume/${token}/pusher` };
        const { name } = await start(t, { ...list, ...paths });
        const channel = unique('resumed');
        await side.run(`count('${name}', '${channel}')`);
        await side.reported(`${name} subscribed`);
        await publish(channel, range(0, 10), 59);
        await until(async () => (await numbersOf(name)).length === 10, 'the first events');
        proxy.isOffline = true;
        await cut(name);
        await publish(channel, range(10, 60), 59);
        proxy.isOffline = false;
        await side.reported(`${name} connected`, PATIENCE_MS);
        await side.reported(`${name} end`, PATIENCE_MS);
        const numbers = await numbersOf(name);
        t.strictSame([...new Set(numbers)], range(0, 60), 'nothing is missing, nothing out of order');
      });
    }
  });
}

t.test('WebSockets get through again: the next connection is one, and keeps the session', async (t) => {
  const side = openNodeSide();
  await side.run(PAGE);
  const token = randomUUID();
  const paths = { wsPath: `/resume/${token}`, httpPath: `/resume/${token}/pusher` };
  await side.run(`start('upgraded', ${JSON.stringify(paths)})`);
  t.teardown(() => side.run('upgraded.disconnect()'));
  t.equal(await side.reported('upgraded connected', PATIENCE_MS), 'xhr_streaming');
  const channel = unique('upgraded');
  await side.run(`count('upgraded', '${channel}')`);
  await side.reported('upgraded subscribed');
  const trigger = async (n: number, end: boolean) => api.trigger(channel, 'n', JSON.stringify({ n, end }));
  const numbers = async () => (await side.run(`globalThis['upgraded numbers']`)) as number[];
  await trigger(1, false);
  await until(async () => (await numbers()).length === 1, 'the first event');

  nginx.edit('fanfare-proxy.conf', [['proxy_set_header Connection', `${UPGRADE}\nproxy_set_header Connection`]]);
  nginx.reload();
  await until(
    async () =>
      await RawClient.open(t, target).opened.then(
        () => true,
        () => false,
      ),
    'a WebSocket opens',
  );
  proxy.isOffline = true;
  proxy.cut();
  await trigger(2, false);
  proxy.isOffline = false;
  t.equal(await side.reported('upgraded connected', PATIENCE_MS), 'ws');
  await trigger(3, true);
  await side.reported('upgraded end', PATIENCE_MS);
  t.strictSame([...new Set(await numbers())], [1, 2, 3], 'what came between the two transports is there');
});

t.test('both nodes served sessions, and the log says once why WebSockets failed', async (t) => {
  t.equal(deployment.nodesUsed(), 2);
  const warnings = deployment.log().filter(({ msg }) => String(msg).includes('Upgrade: websocket'));
  t.ok(warnings.length >= 1 && warnings.length <= nodes.length, `${warnings.length} lines of ${nodes.length} nodes`);
});
