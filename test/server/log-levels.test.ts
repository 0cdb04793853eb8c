import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { pino } from 'pino';
import t from 'tap';
import { configSchema } from '../../src/config/schema.ts';
import { createServerLog } from '../../src/server/log.ts';
import { textLog } from '../../src/server/text-log.ts';
import { ROOT } from '../support/cli.ts';
import { RawClient } from '../support/raw-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { Child } from '../support/scenarios/child.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP } from '../support/target.ts';
import { startLogged } from '../support/transport.ts';
import { RUN_TYPESCRIPT } from '../support/typescript.ts';
import { until } from '../support/wait.ts';

const CONTENT = 'only-the-subscribers-may-read-this';

t.test('at debug: connections, subscriptions, accepted and delivered events with one id on every node', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const settings = { redis: { url: redis.url } };
  const [here, there] = await Promise.all([startLogged(t, settings), startLogged(t, settings)]);
  const client = await RawClient.connect(t, there.target);
  await client.subscribe('room');
  const api = new SignedApi(here.target);
  await until(async () => (await api.get('/channels')).status === 200, 'Redis is there');
  await api.trigger('room', 'told', JSON.stringify({ text: CONTENT }));
  await client.next('told');
  await client.subscribe('other');
  client.send({ event: 'pusher:unsubscribe', data: { channel: 'other' } });

  const accepted = await here.logged('event accepted');
  t.match(accepted, { level: 20, appId: 'app-id', channel: 'room', event: 'told', id: /^[\w-]{10}$/ });
  const delivered = await there.logged('event delivered');
  t.match(delivered, { channel: 'room', event: 'told', id: accepted.id, subscribers: 1 });
  const { socketId } = client;
  t.match(await there.logged('connection established'), { socketId });
  t.match(await there.logged('subscribed'), { socketId, channel: 'room' });
  t.match(await there.logged('unsubscribed'), { socketId, channel: 'other' });
  t.notMatch(JSON.stringify([here.log, there.log]), new RegExp(`${CONTENT}|app-secret`), 'but never what is in them');
});

/** A log whose messages are kept, and whose settings a test may change. */
function fixture(settings: object) {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(String(JSON.parse(String(chunk)).msg));
      done();
    },
  });
  const settingsOf = (given: object) => configSchema.parse({ apps: [APP], log: given }).log;
  let current = settingsOf(settings);
  const log = createServerLog(() => current, { given: pino({ level: 'warn' }, stream), format: undefined });
  const change = (given: object) => {
    current = settingsOf(given);
  };
  return { log, lines, change };
}

t.test('a part of the server has a level of its own', async (t) => {
  const { log, lines } = fixture({ level: 'warn', levels: { webhooks: 'debug', redis: 'error' } });
  for (const part of ['webhooks', 'redis', 'api'] as const) {
    log.of(part).debug({}, `${part} debug`);
    log.of(part).warn({}, `${part} warn`);
  }
  t.strictSame(lines, ['webhooks debug', 'webhooks warn', 'api warn']);
  t.strictSame([log.debugs('webhooks'), log.debugs('events')], [true, false]);
});

t.test('levels and the rate of what is repeated are those that hold at the moment', async (t) => {
  const { log, lines, change } = fixture({ repeatsPerMinute: 1 });
  const api = log.of('api');
  const tellAll = (message: string) => {
    api.debug({}, `${message} debug`);
    for (let time = 0; time < 3; time += 1) api.warn({ ip: '192.0.2.1' }, message);
  };
  tellAll('first');
  change({ levels: { api: 'debug' }, repeatsPerMinute: 2 });
  tellAll('second');
  change({ levels: { api: 'error' } });
  tellAll('third');
  change({ repeatsPerMinute: 0 });
  tellAll('fourth');
  const written = ['first', 'second debug', 'second', 'second', 'fourth', 'fourth', 'fourth'];
  t.strictSame(lines, written);
  log.sumUp();
  t.strictSame(lines.slice(written.length), ['first', 'second'], 'what was not written is summed up');
});

t.test('as text: a line for a person, coloured or not', async (t) => {
  const line = '{"level":40,"time":1700000000000,"pid":1,"hostname":"h","code":4001,"msg":"connection refused"}\n';
  const plain = (await textLog(false))(line);
  t.match(plain, /^\[\d\d:\d\d:\d\d\.000\] WARN: connection refused \{"code":4001\}\n$/);
  const colored = (await textLog(true))(line);
  t.not(colored, plain);
  t.equal(stripVTControlCharacters(colored), plain);
});

t.test('the command writes text where it is told to, and JSON where nobody reads along', async (t) => {
  for (const [format, expected] of [
    ['text', /INFO: listening \{/],
    ['auto', /^\{.*"msg":"listening"/],
  ] as const) {
    const env = { FANFARE_PORT: '0', FANFARE_ADMIN_ENABLED: 'false', FANFARE_LOG_FORMAT: format };
    const child = await Child.start(t, process.execPath, [RUN_TYPESCRIPT, 'src/cli.ts', 'serve'], { cwd: ROOT, env });
    t.match(await child.line(/listening/), expected, format);
  }
});
