import t, { type Test } from 'tap';
import { run } from '../support/cli.ts';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { APP, JWT_SECRET, startFanfare, type Target } from '../support/target.ts';
import { until } from '../support/wait.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const CREDENTIALS = { PUSHER_APP_ID: APP.id, PUSHER_APP_KEY: APP.key, PUSHER_APP_SECRET: APP.secret, JWT_SECRET };
const EVENTS = ['channel_occupied' as const];

interface Listed {
  readonly webhooks: readonly { readonly id: string; readonly events: readonly { readonly id: string }[] }[];
}

interface Parts {
  readonly receiver: WebhookReceiver;
  readonly tellsAt: Target;
  readonly asks: Target;
  readonly whileKept?: () => Promise<void>;
}

/** Events are told at `tellsAt`, and given up; the command asks `asks`, another node perhaps. */
async function givenUpAndSentAgain(
  t: Test,
  { receiver, tellsAt, asks, whileKept = async () => undefined }: Parts,
): Promise<void> {
  const env = { ...CREDENTIALS, FANFARE_URL: asks.origin };
  const list = async () => (JSON.parse((await run(['webhooks', 'list', '--json'], env)).stdout) as Listed).webhooks;
  t.same(await list(), []);
  t.match(await run(['webhooks', 'list'], env, { isTerminal: true }), { code: 0, stdout: 'None was given up.' });
  const client = await RawClient.connect(t, tellsAt);
  const channels = ['a', 'b', 'c'].map((name) => unique(name));
  receiver.down = 503;
  for (const [index, channel] of channels.entries()) {
    await client.subscribe(channel);
    await until(async () => (await list()).length === index + 1, 'it is given up', 10_000);
  }
  const kept = await list();
  const [first, second] = kept;
  if (first === undefined || second === undefined) throw new Error('two are kept at least');
  t.match(kept, [
    {
      given_up_at: /^\d{4}-.*Z$/,
      ...{ url: receiver.url, reason: 'the endpoint answered 503' },
      events: [{ name: 'channel_occupied', channel: channels[0], id: /./ }],
    },
  ]);
  t.match(await run(['webhooks', 'list'], env), {
    code: 0,
    stdout: /^\w{12}\t\S+Z\t1\thttp:\S+\tthe endpoint answered/,
  });

  const down = await run(['webhooks', 'resend', '--all'], env);
  t.match(down, {
    code: 1,
    stdout: '',
    stderr: /Not sent \w+ .*: the endpoint answered 503\n(?:.*\n)*3 of 3 failed again/,
  });
  t.equal((await list()).length, 3, 'they are kept');
  await whileKept();

  receiver.down = undefined;
  const one = await run(['webhooks', 'resend', second.id], env);
  t.match(one, { code: 0, stdout: new RegExp(`^Sent ${second.id} \\(1 event, http`) });
  t.same(
    receiver.events().map(({ id, channel }) => ({ id, channel })),
    [{ id: second.events[0]?.id, channel: channels[1] }],
    'the id is that which was given up',
  );
  t.match(await run(['webhooks', 'resend', second.id], env), {
    code: 1,
    stderr: /There is no webhook \w+ to send again/,
  });
  const rest = await run(['webhooks', 'resend', '--all', '--json'], env);
  t.match(JSON.parse(rest.stdout), { webhooks: [{ id: first.id, resent: true }, { resent: true }] });
  t.same(await list(), []);
  t.same(
    receiver
      .events()
      .map(({ id }) => id)
      .sort(),
    kept.map(({ events: [event] }) => event?.id).sort(),
    'all have arrived, once',
  );
  t.match(await run(['webhooks', 'resend'], env), { code: 2, stderr: /either ids or --all/ });
  t.match(await run(['webhooks', 'resend', 'x', '--all'], env), { code: 2, stderr: /either ids or --all/ });
  const said = [down, one, rest].map(({ stdout, stderr }) => stdout + stderr).join('\n');
  t.notMatch(said + JSON.stringify(kept), new RegExp(`hush|${APP.secret}`), 'no secret is shown');
  await client.close();
}

async function start(t: Test, shared: object = {}) {
  const receiver = await WebhookReceiver.start(t, APP);
  const settings = {
    apps: [{ ...APP, webhooks: [{ url: `${receiver.url}?token=hush`, events: EVENTS }] }],
    webhooks: { allowPrivateNetworks: true, retrySeconds: 0 },
    ...shared,
  };
  return { receiver, settings };
}

t.test('what a node alone has given up is listed and sent again', async (t) => {
  const { receiver, settings } = await start(t);
  const target = await startFanfare(t, settings);
  await givenUpAndSentAgain(t, { receiver, tellsAt: target, asks: target });
  t.same(receiver.complaints, []);
});

t.test('with Redis another node lists it and sends it again, and no secret is kept', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const { receiver, settings } = await start(t, { redis: { url: redis.url } });
  const [one, two] = [await startFanfare(t, settings), await startFanfare(t, settings)];
  await givenUpAndSentAgain(t, {
    ...{ receiver, tellsAt: one, asks: two },
    whileKept: async () => {
      const [key = ''] = (await redis.command('--scan', '--pattern', '*givenUp:*')).split('\n');
      const kept = await redis.command('HGETALL', key);
      t.match(kept, /channel_occupied/);
      t.notMatch(kept, new RegExp(`hush|${APP.secret}`));
    },
  });
  t.same(receiver.complaints, []);
});
