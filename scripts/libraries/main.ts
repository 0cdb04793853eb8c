/**
 * `npm run check:libraries`: runs the official libraries of other languages against a server: events, batches, counts,
 * signatures for channels and users, webhooks; and clients, if there are any. Packages come from each language's own
 * registry, into a folder that is kept (its argument, or one below /var/tmp). A language whose tools are missing is
 * named and left out; names as further arguments choose some: `npm run check:libraries -- /var/tmp/x Go Rust`.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import pusherJs from 'pusher-js';
import { createServer } from '../../src/index.ts';
import { follow, LANGUAGES, type Language, missingTool, run } from './languages.ts';

// The types say that the class is the module's `default`; in Node the class is the module itself.
const Client = pusherJs as unknown as typeof pusherJs.default;
const APP = { id: '4321', key: 'library-key', secret: 'library-secret' };
const DATA = { text: 'with "quotes", a \\ and a\nline end', żółw: ['🐢', 1.5, null] };

interface Answer {
  readonly subscriptionCount: number;
  readonly private: { readonly auth: string };
  readonly presence: { readonly auth: string; readonly channel_data: string };
  /** Not there if the library signs no users in. */
  readonly user?: { readonly auth: string; readonly user_data: string } | null;
  readonly webhook: boolean;
  readonly wrongWebhook: boolean;
  readonly refused: string | null;
}

const webhooks: { headers: IncomingHttpHeaders; body: string }[] = [];
const receiver = createHttpServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  webhooks.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
  response.end();
});

async function check(language: Language, folder: string, port: number): Promise<string[]> {
  const env = {
    ...{ PUSHER_APP_ID: APP.id, PUSHER_APP_KEY: APP.key, PUSHER_APP_SECRET: APP.secret },
    ...{ FANFARE_HOST: '127.0.0.1', FANFARE_PORT: String(port), EVENT_DATA: JSON.stringify(DATA) },
  };
  const channel = `libraries-${language.name}`;
  let answer: Answer | undefined;
  const client = new Client(APP.key, {
    ...{ cluster: '', wsHost: '127.0.0.1', wsPort: port, forceTLS: false, enabledTransports: ['ws'] },
    channelAuthorization: {
      ...{ transport: 'ajax', endpoint: '' },
      customHandler: ({ channelName }, callback) =>
        callback(null, (channelName.startsWith('presence-') ? answer?.presence : answer?.private) ?? null),
    },
    userAuthentication: {
      ...{ transport: 'ajax', endpoint: '' },
      customHandler: (_, callback) => callback(null, answer?.user ?? null),
    },
  });
  try {
    const heard: [string, unknown][] = [];
    const news = client.subscribe(channel);
    news.bind_global((event: string, data: unknown) => {
      if (!event.startsWith('pusher:')) heard.push([event, data]);
    });
    await told((done) => news.bind('pusher:subscription_succeeded', done), 'the subscription');
    const webhook = await untilSome(() => webhooks.find(({ body }) => body.includes(channel)), 'a webhook');
    const output = await run([...language.backend(folder), channel, client.connection.socket_id], {
      ...env,
      WEBHOOK_BODY: webhook.body,
      WEBHOOK_SIGNATURE: String(webhook.headers['x-pusher-signature']),
    });
    answer = JSON.parse(output.split('\n').at(-1) ?? '') as Answer;
    await untilSome(() => heard.length >= 3, 'three events');
    assert.deepEqual(
      heard,
      ['one', 'two', 'three'].map((name) => [name, DATA]),
    );
    assert.equal(answer.subscriptionCount, 1);
    assert.deepEqual([answer.webhook, answer.wrongWebhook], [true, false]);
    assert.match(String(answer.refused), /401|signature/i);
    for (const name of [`private-${channel}`, `presence-${channel}`]) {
      await told((done) => client.subscribe(name).bind('pusher:subscription_succeeded', done), `joining ${name}`);
    }
    const did = ['events', 'counts', 'channel signatures', 'webhooks', 'a wrong secret is an error'];
    if (answer.user) {
      client.signin();
      await untilSome(() => client.user.user_data?.id === '42', 'the sign-in');
      did.push('user signature');
    }
    if (language.client !== undefined) {
      await checkClient(language.client(folder), `${channel}-client`, env);
      did.push('client');
    }
    return did;
  } finally {
    client.disconnect();
  }
}

async function checkClient(
  [name, ...args]: readonly [string, ...string[]],
  channel: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const { default: Pusher } = await import('pusher');
  const { FANFARE_HOST: host = '', FANFARE_PORT: port = '' } = env;
  const backend = new Pusher({ appId: APP.id, key: APP.key, secret: APP.secret, host, port, useTLS: false });
  const lines: string[] = [];
  const code = await follow([name, ...args, channel], env, (line) => {
    lines.push(line);
    if (line === 'joined') void backend.trigger(channel, 'message', { text: 'hello' });
  });
  assert.equal(code, 0, `the client ended with ${code} after ${JSON.stringify(lines)}`);
  assert.deepEqual(lines, ['joined', 'event {"text":"hello"}']);
}

async function untilSome<T>(read: () => T | undefined | false, what: string): Promise<T> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function told(listen: (done: () => void) => void, what: string): Promise<void> {
  let isTold = false;
  listen(() => {
    isTold = true;
  });
  await untilSome(() => isTold, what);
}

const [folder = '/var/tmp/fanfare-libraries', ...names] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
const server = createServer({
  ...{ host: '127.0.0.1', port: 0, admin: { enabled: false }, auth: { enabled: false }, log: { level: 'error' } },
  webhooks: { allowPrivateNetworks: true },
  apps: [{ ...APP, webhooks: [{ url }] }],
});
const { port } = await server.start();
try {
  for (const language of LANGUAGES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const what = `${language.name} (${language.libraries})`;
    const missing = await missingTool(language);
    if (missing !== undefined) {
      console.log(`skipped  ${what}: ${missing} is not installed`);
      continue;
    }
    try {
      for (const command of language.build(folder)) await run(command);
      console.log(`ok       ${what}: ${(await check(language, folder, port)).join(', ')}`);
    } catch (error) {
      process.exitCode = 1;
      console.log(`failed   ${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
} finally {
  await server.stop();
  receiver.close();
}
