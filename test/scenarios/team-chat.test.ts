import { fileURLToPath } from 'node:url';
import type Echo from 'laravel-echo';
import t from 'tap';
import { signToken } from '../../examples/support/tokens.ts';
import * as chat from '../../examples/team-chat/backend.ts';
import { configSchema } from '../../src/config/schema.ts';
import { freePort } from '../support/free-port.ts';
import { emitted } from '../support/pusher-client.ts';
import { openBrowser } from '../support/scenarios/browser.ts';
import { Child } from '../support/scenarios/child.ts';
import { JWT_SECRET, openDeployment } from '../support/scenarios/deployment.ts';
import { connectEchoAs } from '../support/scenarios/echo-client.ts';
import { call, exampleSettings, openExample } from '../support/scenarios/example.ts';
import { SignedApi } from '../support/signed-api.ts';
import { RUN_TYPESCRIPT } from '../support/typescript.ts';
import { until, within } from '../support/wait.ts';

const PING_SECONDS = 1;
const PONG_SECONDS = 2;
const backendPort = await freePort();
const deployment = await openDeployment(t, {
  rulesFile: chat.fanfareEnvironment.FANFARE_AUTH_RULES_FILE,
  env: {
    EXAMPLE_BACKEND_URL: `http://127.0.0.1:${backendPort}`,
    FANFARE_CONNECTIONS_PING_INTERVAL_SECONDS: String(PING_SECONDS),
    FANFARE_CONNECTIONS_PONG_TIMEOUT_SECONDS: String(PONG_SECONDS),
  },
});
const { target } = deployment;
const backend = await openExample(t, chat.createExample(exampleSettings(deployment)), backendPort);
const tokenOf = (userId: string) => signToken(JWT_SECRET, { sub: userId });
type Test = Parameters<typeof connectEchoAs>[0];

interface Participant {
  readonly echo: Echo<'pusher'>;
  readonly channel: ReturnType<Echo<'pusher'>['join']>;
  /** What was told of others, in order: `+Ada`, `-Ada`. */
  readonly seen: string[];
  readonly here: () => string[];
  readonly post: (path: string, body: unknown) => Promise<unknown>;
}

/** A user who opens chat 5, as the page does. */
async function join(t: Test, userId: string): Promise<Participant> {
  const token = await tokenOf(userId);
  const echo = await connectEchoAs(t, target, token);
  const seen: string[] = [];
  let members: string[] = [];
  const channel = echo.join('chat.5');
  const joined = emitted(channel.subscription, 'pusher:subscription_succeeded');
  channel.here((present: { name: string }[]) => {
    members = present.map(({ name }) => name);
  });
  channel.joining(({ name }: { name: string }) => {
    seen.push(`+${name}`);
    members.push(name);
  });
  channel.leaving(({ name }: { name: string }) => {
    seen.push(`-${name}`);
    members = members.filter((member) => member !== name);
  });
  await joined;
  const headers = { Authorization: `Bearer ${token}` };
  const post = (path: string, body: unknown) => call(`${backend.origin}${path}`, body, headers);
  return { echo, channel, seen, here: () => [...members].sort(), post };
}

t.test('who is here, history, messages, typing and receipts', async (t) => {
  const ada = await join(t, '1');
  await ada.post('/chats/5/messages', { text: 'anyone?' });
  const grace = await join(t, '2');
  t.strictSame(grace.here(), ['Ada', 'Grace']);
  await until(() => ada.seen.includes('+Grace'), 'Ada is told of Grace');
  t.strictSame(ada.seen, ['+Grace'], 'once');

  const headers = { Authorization: `Bearer ${await tokenOf('2')}` };
  const history = await call(`${backend.origin}/chats/5/messages`, undefined, headers);
  t.match(history, { messages: [{ authorId: '1', text: 'anyone?' }] }, 'what was said before');

  const typing: unknown[] = [];
  ada.channel.listenForWhisper('typing', (data: unknown) => typing.push(data));
  grace.channel.listenForWhisper('typing', () => t.fail('a whisper does not come back to who sent it'));
  grace.channel.whisper('typing', { who: 'Grace', typing: true });
  grace.channel.whisper('typing', { who: 'Grace', typing: false });
  await until(() => typing.length === 2, 'both whispers');
  t.match(typing, [{ typing: true }, { typing: false }]);

  const receipts: string[] = [];
  const own = ada.echo.private('user.1');
  own.listen('.message.delivered', ({ messageId }: { messageId: number }) => receipts.push(`delivered ${messageId}`));
  own.listen('.message.read', ({ messageId }: { messageId: number }) => receipts.push(`read ${messageId}`));
  await emitted(own.subscription, 'pusher:subscription_succeeded');
  const arrival = new Promise((resolve) => grace.channel.listen('.message.sent', resolve));
  const { id } = (await ada.post('/chats/5/messages', { text: 'hello' })) as { id: number };
  t.match(await within(arrival, 'the message'), { id, authorId: '1', text: 'hello' });
  await grace.post(`/chats/5/messages/${id}/receipts`, { state: 'delivered' });
  await grace.post(`/chats/5/messages/${id}/receipts`, { state: 'read' });
  await until(() => receipts.length === 2, 'both receipts');
  t.strictSame(receipts, [`delivered ${id}`, `read ${id}`]);

  const outsider = await connectEchoAs(t, target, await tokenOf('4'));
  const error = await emitted(outsider.join('chat.5').subscription, 'pusher:subscription_error');
  t.match(error, { status: 403 }, 'the backend says who is a member');
});

t.test('online with the first connection, offline with the last, and nothing in between', async (t) => {
  const told: string[] = [];
  const watcher = await connectEchoAs(t, target, await tokenOf('4'));
  const { pusher } = watcher.connector;
  for (const name of ['online', 'offline']) {
    pusher.user.watchlist.bind(name, ({ user_ids }: { user_ids: string[] }) => told.push(`${name} ${user_ids}`));
  }
  pusher.signin();
  await signedIn(pusher);

  const open = async () => {
    const echo = await connectEchoAs(t, target, await tokenOf('3'));
    echo.connector.pusher.signin();
    await signedIn(echo.connector.pusher);
    return echo;
  };
  const first = await open();
  await until(() => told.includes('online 3'), 'online with the first connection');
  const second = await open();
  first.disconnect();
  const third = await open();
  second.disconnect();
  third.disconnect();
  await until(() => told.includes('offline 3'), 'offline with the last connection');
  t.strictSame(told, ['online 3', 'offline 3']);
});

async function signedIn(pusher: Echo<'pusher'>['connector']['pusher']): Promise<void> {
  await until(() => pusher.user.user_data !== null && pusher.user.user_data !== undefined, 'signed in');
}

t.test('a client that froze without a word is gone within the ping interval and the pong timeout', async (t) => {
  const ada = await join(t, '1');
  const member = fileURLToPath(new URL('../support/scenarios/member-process.ts', import.meta.url));
  const frozen = await Child.start(t, process.execPath, [
    ...[RUN_TYPESCRIPT, member, target.origin, target.key, await tokenOf('3'), 'presence-chat.5'],
  ]);
  await frozen.line(/^joined$/);
  await until(() => ada.here().includes('Linus'), 'Linus is here');
  frozen.signal('SIGSTOP');
  const before = performance.now();
  await until(() => ada.seen.includes('-Linus'), 'Linus is gone', 15_000);
  const seconds = (performance.now() - before) / 1000;
  t.ok(seconds < PING_SECONDS + PONG_SECONDS + 4, `gone after ${seconds.toFixed(1)} s`);
  t.match(
    deployment.log().filter(({ code }) => code === 4201),
    [{ ip: '127.0.0.1' }],
    'and the log says so',
  );
});

t.test('by default that is within 60 s', async (t) => {
  const config = configSchema.parse({ apps: [{ id: 'i', key: 'k', secret: 's' }], auth: { enabled: false } });
  const { pingIntervalSeconds, pongTimeoutSeconds } = config.connections;
  // Two ticks of the clock that looks after them, and the frame that tells the others.
  t.ok(pingIntervalSeconds + pongTimeoutSeconds + 3 <= 60);
});

t.test('the page, in two tabs', async (t) => {
  const browser = await openBrowser(t);
  const open = async (userId: number) => {
    const tab = await browser.newPage();
    await tab.goto(`${backend.origin}/?user=${userId}`);
    return tab;
  };
  const linus = await open(3);
  const grace = await open(2);
  await linus.locator('#here', { hasText: 'Grace' }).waitFor({ timeout: 10_000 });
  await linus.locator('#here', { hasText: 'Linus' }).waitFor({ timeout: 10_000 });
  await grace.locator('#here', { hasText: 'Linus' }).waitFor({ timeout: 10_000 });
  await grace.locator('#text').pressSequentially('tea?');
  await linus.locator('#typing', { hasText: 'Grace is typing …' }).waitFor({ timeout: 10_000 });
  await grace.click('#form button');
  await linus.locator('#messages li', { hasText: 'Grace tea?' }).waitFor({ timeout: 10_000 });
  await grace.locator('#messages li', { hasText: 'tea? ✓ Linus' }).waitFor({ timeout: 10_000 });
  await grace.reload();
  await grace.locator('#messages li', { hasText: 'tea? ✓ Linus' }).waitFor({ timeout: 10_000 });
  await linus.waitForFunction("document.querySelector('#typing').textContent === ''");
  t.equal(await linus.locator('#typing').textContent(), '', 'the indicator went with the message');
});

t.test('the network is cut in the page, and nothing is lost', async (t) => {
  const browser = await openBrowser(t);
  const tab = await browser.newPage();
  await tab.goto(`${backend.origin}/?user=1`);
  await tab.locator('#state', { hasText: /^connected$/ }).waitFor({ timeout: 10_000 });
  await tab.locator('#here', { hasText: 'Ada' }).waitFor({ timeout: 10_000 });
  await tab.click('#cut');
  await tab.locator('#state', { hasText: 'disconnected' }).waitFor({ timeout: 10_000 });
  const grace = await tokenOf('2');
  for (const text of ['missed one', 'missed two']) {
    await call(`${backend.origin}/chats/5/messages`, { text }, { Authorization: `Bearer ${grace}` });
  }
  t.equal(await tab.locator('#messages li', { hasText: 'missed' }).count(), 0);
  await tab.click('#cut');
  await tab.locator('#notice', { hasText: 'nothing is lost' }).waitFor({ timeout: 10_000 });
  await tab.locator('#messages li', { hasText: 'Grace missed two' }).waitFor({ timeout: 10_000 });
  t.equal(await tab.locator('#messages li', { hasText: 'missed' }).count(), 2, 'each once');
});

t.test('a node is stopped: its members come back at once, and nobody else sees more than that', async (t) => {
  const people = await Promise.all(['1', '2', '3'].map((userId) => join(t, userId)));
  const more = await Promise.all(['1', '2', '3'].map((userId) => join(t, userId)));
  const everyone = [...people, ...more];
  await until(() => everyone.every(({ here }) => here().join() === 'Ada,Grace,Linus'), 'everyone sees everyone');
  const [first] = deployment.nodes;
  t.equal(await first?.stop(), 0, 'a clean exit');
  // What the server counts: clients may not have noticed yet that they are to reconnect.
  const api = new SignedApi(target);
  await until(async () => {
    const { json } = await api.get('/channels/presence-chat.5', { info: 'subscription_count' });
    return (json as { subscription_count?: number }).subscription_count === everyone.length;
  }, 'every subscription stands again');
  const [ada] = people;
  const arrived = everyone.map(() => 0);
  for (const [index, { channel }] of everyone.entries()) {
    channel.listen('.message.sent', () => {
      arrived[index] = (arrived[index] ?? 0) + 1;
    });
  }
  await ada?.post('/chats/5/messages', { text: 'still here' });
  t.teardown(() => t.comment(`arrived: ${arrived}`));
  await until(() => arrived.every((times) => times === 1), 'the message, on every connection, once');
  t.ok(
    everyone.every(({ here }) => here().join() === 'Ada,Grace,Linus'),
    'and everyone still sees everyone',
  );
  t.equal(deployment.nodesUsed(), 2, 'both nodes had their part in it');
});
