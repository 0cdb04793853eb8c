import { SignJWT } from 'jose';
import type { Channel } from 'pusher-js';
import t from 'tap';
import * as platform from '../../examples/creator-platform/backend.ts';
import { DELETE, POST } from '../../examples/creator-platform/next/like-route.ts';
import { creatorChannel, feedOf, notificationsOf, postChannel, Sender } from '../../examples/creator-platform/send.ts';
import { createPusher as createBackendPusher } from '../../examples/support/settings.ts';
import { signToken } from '../../examples/support/tokens.ts';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { openBrowser } from '../support/scenarios/browser.ts';
import { JWT_SECRET, openDeployment } from '../support/scenarios/deployment.ts';
import { call, exampleSettings, openExample } from '../support/scenarios/example.ts';
import { until } from '../support/wait.ts';

const deployment = await openDeployment(t, {
  rulesFile: platform.fanfareEnvironment.FANFARE_AUTH_RULES_FILE,
  env: { ...platform.fanfareEnvironment, FANFARE_APPS_0_UNAUTHORIZED_TIMEOUT_SECONDS: '2' },
});
const { target } = deployment;
const settings = exampleSettings(deployment);
const backend = await openExample(t, platform.createExample(settings));
const sender = new Sender(createBackendPusher(settings));
const endpoint = `${target.origin}/broadcasting/auth`;

/** The platform's tokens: the user, the wallet, and when. */
const tokenOf = (userId: string) => signToken(JWT_SECRET, { userId, wallet: `0x${userId}`, sub: `0x${userId}` });

/** A stock client that authorizes its channels at Fanfare itself, as the frontend does. */
async function connectAs(t: Parameters<typeof connectPusher>[0], authorization: string | undefined) {
  const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
  const channelAuthorization = { transport: 'ajax' as const, endpoint, headers };
  return await connectPusher(t, target, { channelAuthorization });
}

async function subscribed(channel: Channel): Promise<Channel> {
  await emitted(channel, 'pusher:subscription_succeeded');
  return channel;
}

t.test('every event of the platform reaches the channel that it is for', async (t) => {
  const fan = await connectAs(t, `Bearer ${await tokenOf('42')}`);
  const heard: string[] = [];
  const names = [notificationsOf('42'), feedOf('42'), creatorChannel('7'), postChannel('100')];
  const channels = await Promise.all(names.map((name) => subscribed(fan.subscribe(name))));
  for (const channel of channels) {
    channel.bind_global((event: string) => {
      if (!event.startsWith('pusher:')) heard.push(`${channel.name} ${event}`);
    });
  }

  const { id } = await sender.sendNotification('42', 'welcome');
  await sender.markRead('42', id);
  await sender.clearNotifications('42');
  await sender.updatePostLikes('100', '42', true);
  await sender.updatePostLikes('100', '42', false);
  const commentId = await sender.addComment('100', '42', 'nice');
  await sender.deleteComment('100', commentId);
  await sender.updateCreator('7', { bio: 'new' });
  await sender.subscribeTo('7', '42');
  await sender.purchasePost('42', '100', '0xabc');
  await sender.publishPost('7', '100', 'A post', ['1', '42', '43']);
  await sender.deletePost('7', '100');

  const expected = [
    ...['notification', 'notification_read', 'notifications_cleared', 'subscription-updated', 'post-purchased'].map(
      (event) => `${notificationsOf('42')} ${event}`,
    ),
    ...['post_liked', 'post_unliked', 'comment_added', 'comment_deleted', 'post_deleted'].map(
      (event) => `${postChannel('100')} ${event}`,
    ),
    ...['creator_updated', 'new_subscription', 'post_created', 'post_deleted'].map(
      (event) => `${creatorChannel('7')} ${event}`,
    ),
    `${feedOf('42')} feed_update`,
  ];
  await until(() => heard.length >= expected.length, `${expected.length} events`);
  t.strictSame([...heard].sort(), [...expected].sort());
});

t.test('the channels of someone else are refused', async (t) => {
  const other = await connectAs(t, `Bearer ${await tokenOf('43')}`);
  for (const name of [notificationsOf('42'), feedOf('42')]) {
    const error = await emitted(other.subscribe(name), 'pusher:subscription_error');
    t.match(error, { status: 403 }, name);
  }
  await subscribed(other.subscribe(creatorChannel('7')));
});

t.test('anonymous and invalid tokens are refused, and the log says who asked from where', async (t) => {
  const now = Math.floor(Date.now() / 1000);
  const signed = (secret: string, exp: number) =>
    new SignJWT({ userId: '42', wallet: '0x42', sub: '0x42' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt(now - 100)
      .setExpirationTime(exp)
      .sign(new TextEncoder().encode(secret));
  const cases: Record<string, string | undefined> = {
    'no token': undefined,
    'no token at all': 'Bearer ',
    garbage: 'Bearer not.a.token',
    'another secret': `Bearer ${await signed('a-secret-that-is-somebody-elses-and-long', now + 100)}`,
    expired: `Bearer ${await signed(JWT_SECRET, now - 50)}`,
  };
  const refusals = () => deployment.log().filter(({ msg }) => msg === 'Authorization refused');
  for (const [name, authorization] of Object.entries(cases)) {
    const before = refusals().length;
    const stranger = await connectAs(t, authorization);
    const error = await emitted(stranger.subscribe(notificationsOf('42')), 'pusher:subscription_error');
    t.match(error, { status: 403 }, `${name}: refused`);
    await until(() => refusals().length > before, `the log line of: ${name}`);
    t.match(refusals().at(-1), { ip: '127.0.0.1', channel: notificationsOf('42') }, `${name}: logged`);
    stranger.disconnect();
  }
  const text = deployment.nodes.flatMap(({ process }) => process.lines).join('\n');
  t.notOk(/eyJ[\w-]+\.[\w-]+\.[\w-]+/.test(text), 'and no token is in the log');
});

t.test('who proves to be no one is shown out', async (t) => {
  const stranger = await RawClient.connect(t, target);
  t.equal((await stranger.closed).code, 4009);
  await until(
    () => deployment.log().some((entry) => entry.code === 4009 && entry.ip === '127.0.0.1'),
    'the log line with the address',
  );
});

t.test('a page: what was unread before it came, once, and what comes while it is there', async (t) => {
  const notify = (text: string) => call(`${backend.origin}/users/1/notifications`, { text });
  await notify('while you were away');
  const browser = await openBrowser(t);
  const tab = await browser.newPage();
  await tab.goto(`${backend.origin}/?user=1`);
  const shown = tab.locator('#notifications li');
  const contents = async (expected: string[]) => {
    await until(
      async () => (await shown.allTextContents()).join() === expected.join(),
      expected.join() || 'none',
      10_000,
    );
    t.strictSame(await shown.allTextContents(), expected);
  };
  await contents(['while you were away']);
  await notify('now');
  await contents(['while you were away', 'now']);
  await tab.reload();
  await contents(['while you were away', 'now']);
  await tab.click('#clear');
  await contents([]);
});

t.test('a page: likes that stay, a purchase, a new post in the feed', async (t) => {
  const browser = await openBrowser(t);
  const open = async (userId: number) => {
    const tab = await browser.newPage();
    await tab.goto(`${backend.origin}/?user=${userId}`);
    await tab.locator('[data-post="100"]').waitFor({ timeout: 10_000 });
    return tab;
  };
  const [ada, grace] = await Promise.all([open(1), open(2)]);
  await ada.locator('[data-post="100"]').click();
  await grace.locator('[data-post="100"]', { hasText: '♥ 1' }).waitFor({ timeout: 10_000 });
  await ada.getByText('Unlock for $3.00').click();
  await ada.getByText('Unlocked ✓').waitFor({ timeout: 10_000 });
  await ada.reload();
  await ada.locator('[data-post="100"][aria-pressed="true"]', { hasText: '♥ 1' }).waitFor({ timeout: 10_000 });
  await ada.getByText('Unlocked ✓').waitFor({ timeout: 10_000 });
  t.equal(await grace.getByText('Unlocked ✓').count(), 0, 'for who bought it alone');
  await grace.fill('#title', 'A board of two woods');
  await grace.click('#publish button');
  await ada.getByText('A board of two woods').waitFor({ timeout: 10_000 });
});

t.test('the last notifications come by themselves on joining, and what became of them', async (t) => {
  const read = await sender.sendNotification('77', 'first');
  await sender.sendNotification('77', 'second');
  await sender.markRead('77', read.id);
  const fan = await connectAs(t, `Bearer ${await tokenOf('77')}`);
  const heard: string[] = [];
  const mine = fan.subscribe(notificationsOf('77'));
  mine.bind('notification', ({ text }: { text: string }) => heard.push(text));
  mine.bind('notification_read', ({ id }: { id: string }) => heard.push(id === read.id ? 'first was read' : id));
  await until(() => heard.length >= 3, 'what was sent before');
  t.strictSame(heard, ['first', 'second', 'first was read']);
});

t.test('the API route of Next.js', async (t) => {
  const { hostname, port } = new URL(target.origin);
  Object.assign(process.env, {
    ...{ PUSHER_APP_ID: target.appId, PUSHER_APP_KEY: target.key, PUSHER_APP_SECRET: target.secret },
    ...{ PUSHER_HOST: hostname, PUSHER_PORT: port, PUSHER_SCHEME: 'https', JWT_SECRET },
  });
  const fan = await connectAs(t, `Bearer ${await tokenOf('42')}`);
  const post = await subscribed(fan.subscribe(postChannel('200')));
  const request = (authorization: string) =>
    new Request('https://platform.example/api/posts/200/like', { headers: { Authorization: authorization } });
  const context = { params: Promise.resolve({ postId: '200' }) };
  t.equal((await POST(request('Bearer nonsense'), context)).status, 401);
  const liked = emitted(post, 'post_liked');
  t.equal((await POST(request(`Bearer ${await tokenOf('9')}`), context)).status, 200);
  t.strictSame(await liked, { postId: '200', userId: '9' });
  const unliked = emitted(post, 'post_unliked');
  t.equal((await DELETE(request(`Bearer ${await tokenOf('9')}`), context)).status, 200);
  t.strictSame(await unliked, { postId: '200', userId: '9' });
});

t.test('both nodes had their part in it', async (t) => {
  t.equal(deployment.nodesUsed(), 2);
});
