import { randomUUID } from 'node:crypto';
import t from 'tap';
import { Answers } from '../../examples/ai-assistant/answers.ts';
import * as assistant from '../../examples/ai-assistant/backend.ts';
import { TokenSender } from '../../examples/ai-assistant/token-sender.ts';
import { createPusher as createBackendPusher } from '../../examples/support/settings.ts';
import { signToken } from '../../examples/support/tokens.ts';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { openBrowser } from '../support/scenarios/browser.ts';
import { JWT_SECRET, openDeployment } from '../support/scenarios/deployment.ts';
import { exampleSettings, openExample } from '../support/scenarios/example.ts';
import { until } from '../support/wait.ts';

const ANSWERS = 50;
const TOKENS = 500;
const TOKENS_PER_SECOND = 50;

const deployment = await openDeployment(t, {
  rulesFile: assistant.fanfareEnvironment.FANFARE_AUTH_RULES_FILE,
  env: assistant.fanfareEnvironment,
});
const { target } = deployment;
const settings = exampleSettings(deployment);

interface Heard {
  readonly event: string;
  readonly answerId: string;
  readonly index?: number;
  readonly tokens?: number;
}

/** A stock client on its user's own channel, and everything that it hears there. */
async function listenAs(t: Parameters<typeof connectPusher>[0], userId: string, wsPath = '') {
  const token = await signToken(JWT_SECRET, { sub: userId });
  const headers = { Authorization: `Bearer ${token}` };
  const endpoint = `${target.origin}/broadcasting/auth`;
  const client = await connectPusher(t, target, {
    wsPath,
    channelAuthorization: { transport: 'ajax', endpoint, headers },
  });
  const heard: Heard[] = [];
  const resumed: unknown[] = [];
  const channel = client.subscribe(`private-user.${userId}`);
  client.bind_global((event: string, data: Omit<Heard, 'event'>) => {
    if (event.startsWith('answer.')) heard.push({ ...data, event });
    if (event === 'fanfare:resumed') resumed.push(data);
  });
  await emitted(channel, 'pusher:subscription_succeeded', 15_000);
  return { client, heard, resumed };
}

t.test(`${ANSWERS} answers of ${TOKENS} tokens at ${TOKENS_PER_SECOND} a second, each to its user alone`, async (t) => {
  const users = Array.from({ length: ANSWERS }, (_, index) => `u${index}`);
  const listeners = await Promise.all(users.map((userId) => listenAs(t, userId)));
  const sender = new TokenSender(createBackendPusher(settings));
  const answers = new Answers(sender, (question) => assistant.pacedModel(question, TOKENS, TOKENS_PER_SECOND));

  const began = performance.now();
  await Promise.all(users.map((userId) => answers.stream(userId, 'why?', `answer-of-${userId}`)));
  const seconds = (performance.now() - began) / 1000;
  await until(() => listeners.every(({ heard }) => heard.length >= TOKENS + 2), 'the end of every answer', 15_000);
  t.comment(`${ANSWERS * TOKENS} tokens in ${seconds.toFixed(1)} s with ${sender.requests} requests`);

  const right = ['answer.start', ...Array.from({ length: TOKENS }, (_, token) => token), 'answer.complete'];
  for (const [index, { heard }] of listeners.entries()) {
    const order = heard.map(({ event, index: token }) => token ?? event);
    t.strictSame(order, right, `user ${index}: all of it, in order, once`);
    t.ok(
      heard.every(({ answerId }) => answerId === `answer-of-u${index}`),
      `user ${index}: nothing of anyone else's`,
    );
  }
  t.ok(seconds < (TOKENS / TOKENS_PER_SECOND) * 5, `the pace was kept: ${seconds.toFixed(1)} s`);
});

t.test('several answers at once to one user, one of which breaks off', async (t) => {
  const { heard } = await listenAs(t, 'solo');
  const sender = new TokenSender(createBackendPusher(settings));
  const answers = new Answers(sender, (question) => assistant.pacedModel(question, 40, 200));
  await Promise.all([
    answers.stream('solo', 'one', 'a'),
    answers.stream('solo', 'two', 'b'),
    answers.stream('solo', 'fail', 'c'),
  ]);
  await until(() => heard.filter(({ event }) => /complete|error/.test(event)).length === 3, 'three ends');
  for (const [answerId, tokens, end] of [
    ['a', 40, 'answer.complete'],
    ['b', 40, 'answer.complete'],
    ['c', 20, 'answer.error'],
  ] as const) {
    const own = heard.filter((entry) => entry.answerId === answerId);
    t.strictSame(
      own.map(({ event, index }) => index ?? event),
      ['answer.start', ...Array.from({ length: tokens }, (_, index) => index), end],
      answerId,
    );
  }
});

t.test('the page', async (t) => {
  const backend = await openExample(t, assistant.createExample(settings));
  const browser = await openBrowser(t);
  const tab = await browser.newPage();
  await tab.goto(`${backend.origin}/?user=browser`);
  await tab.locator('body[data-ready]').waitFor();
  await tab.fill('#question', 'fail');
  await tab.click('#form button');
  const answer = tab.locator('#answers li').nth(1);
  await answer.filter({ hasText: '✗ the model is overloaded' }).waitFor({ timeout: 10_000 });
  const words = Array.from({ length: 20 }, (_, index) => assistant.tokenAt(index)).join('');
  t.equal(await answer.textContent(), `${words} ✗ the model is overloaded`);
});

t.test(
  'a node dies in the middle of 12 answers: its clients come back, and every answer is whole and in order',
  async (t) => {
    const users = Array.from({ length: 12 }, (_, index) => `r${index}`);
    const listeners = await Promise.all(users.map((userId) => listenAs(t, userId, `/resume/${randomUUID()}`)));
    const sender = new TokenSender(createBackendPusher(settings));
    const answers = new Answers(sender, (question) => assistant.pacedModel(question, 250, TOKENS_PER_SECOND));
    const [dying] = deployment.nodes;
    const streaming = Promise.all(users.map((userId) => answers.stream(userId, 'why?', `answer-of-${userId}`)));
    await until(() => listeners.every(({ heard }) => heard.length >= 100), 'the first hundred tokens', 15_000);
    await dying?.kill();
    await streaming;
    await until(() => listeners.every(({ heard }) => heard.at(-1)?.event === 'answer.complete'), 'the ends', 20_000);

    const cut = listeners.filter(({ resumed }) => resumed.length > 1);
    t.ok(cut.length > 0 && cut.length < users.length, `${cut.length} of ${users.length} were on the node that died`);
    let repeated = 0;
    for (const [index, { heard, resumed }] of listeners.entries()) {
      const seen = new Set<unknown>();
      const order = heard
        .map(({ event, index: token }) => token ?? event)
        .filter((item) => !seen.has(item) && seen.add(item));
      repeated += heard.length - order.length;
      const whole = ['answer.start', ...Array.from({ length: 250 }, (_, token) => token), 'answer.complete'];
      t.strictSame(order, whole, `user ${index}: whole, in order`);
      if (resumed.length > 1) t.match(resumed[1], { recovered: true }, `user ${index}: and told so`);
    }
    t.comment(`${repeated} of ${12 * 252} events came twice`);
  },
);

t.test('both nodes had their part in it', async (t) => {
  t.equal(deployment.nodesUsed(), 2);
});
