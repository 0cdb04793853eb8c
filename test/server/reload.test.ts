import t, { type Test } from 'tap';
import { pathText, SETTINGS, type Setting } from '../../src/config/describe.ts';
import { type Config, configSchema } from '../../src/config/schema.ts';
import { setAt, valueAt } from '../../src/config/tree.ts';
import { ConfigInForce } from '../../src/server/config-in-force.ts';
import { retention } from '../../src/server/settings.ts';
import { createServer } from '../../src/server.ts';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, AUTH, type StartedFanfare, startFanfare } from '../support/target.ts';
import { within } from '../support/wait.ts';

const PLACES: Readonly<Record<string, object>> = { rewind: [{ channels: 'a' }], webhooks: [{ url: 'http://a/' }] };

function configOf(settings: object = {}): Config {
  return configSchema.parse({
    ...{ host: '127.0.0.1', port: 0, shutdownGraceSeconds: 0, log: { level: 'silent' } },
    auth: { ...AUTH, enabled: false },
    admin: { enabled: false },
    apps: [{ ...APP, ...PLACES }],
    ...settings,
  });
}

/** The path of a setting in a configuration with one of everything. */
const firstOf = ({ path }: Setting) => path.map((step) => (step === '*' ? '0' : step));

/** The same configuration with another value for one setting. */
function changed(config: Config, setting: Setting): Config {
  const copy = structuredClone(config);
  setAt(copy, firstOf(setting), otherThan(valueAt(config, firstOf(setting)), setting));
  return copy;
}

function otherThan(value: unknown, { kind, choices = [] }: Setting): unknown {
  if (kind === 'boolean') return value !== true;
  if (kind === 'list') return ['192.0.2.1'];
  if (kind !== 'text') return Number(value ?? 0) + 1;
  return choices.find((choice) => choice !== value) ?? `another-${String(value)}`;
}

/** Told in other words: an app with another id is another app, and where there is authorization, rules are read. */
const TOLD_OTHERWISE = ['apps[].id', 'auth.enabled'];

t.test('each setting is taken over by a reload, or named as one that waits for a restart', async (t) => {
  const started = configOf();
  let written = started;
  const server = createServer(started, { readConfig: () => written });
  await server.start();
  t.teardown(() => server.stop());
  for (const setting of SETTINGS) {
    const path = pathText(setting.path);
    if (TOLD_OTHERWISE.includes(path)) continue;
    written = changed(started, setting);
    const { problems, changes, needRestart } = await server.reload();
    t.strictSame(problems, [], path);
    if (setting.restart !== undefined) {
      t.strictSame([changes, needRestart], [[], [path]], `${path} waits`);
    } else {
      const told = setting.path[0] === 'apps' ? `app ${APP.id} has another ${setting.path[2]}` : `${path} has changed`;
      t.strictSame(changes, [told], `${path} is taken over`);
    }
    written = started;
    await server.reload();
  }
});

t.test('what waits for a restart keeps its value, whoever asks for it', async (t) => {
  const started = configOf({ tls: { certFile: 'a', keyFile: 'b', caFile: 'c', passphrase: 'd' } });
  const next = SETTINGS.reduce(changed, started);
  const inForce = new ConfigInForce(started);
  const port = inForce.of((config) => config.port);
  const max = inForce.of(({ connections }) => connections.max);
  t.equal(max(), 0);
  inForce.replace(next);
  t.strictSame([port(), max()], [0, 1]);
  for (const setting of SETTINGS) {
    const path = firstOf(setting);
    const expected = valueAt(setting.restart === undefined ? next : started, path);
    t.strictSame(valueAt(inForce.now, path), expected, pathText(path));
  }
  const plain = new ConfigInForce(configOf());
  plain.replace(next);
  t.equal(plain.now.tls, undefined, 'a section that was not there is not there');
});

/** Read while the server starts, and rightly so: a reload hands them on, or they are read again. */
const READ_AT_START = [/^apps\b/, /^auth\b/, /^log\b/, /^connections\.max$/];

t.test('nothing that a reload takes over is read while the server starts: it would be kept', async (t) => {
  const read = new Set<string>();
  const server = createServer(recording(configOf(), [], (path) => read.add(pathText(path))));
  await server.start();
  const kept = SETTINGS.filter(({ restart }) => restart === undefined)
    .map(({ path }) => pathText(path))
    .filter((path) => read.has(path) && !READ_AT_START.some((expected) => expected.test(path)));
  await server.stop();
  t.strictSame(kept, []);
  t.ok(read.has('connections.compression'), 'what is settled is');
});

/** The same, which tells of each value that is read. */
function recording<T extends object>(value: T, path: readonly string[], tell: (path: readonly string[]) => void): T {
  if (Array.isArray(value)) return value;
  return new Proxy(
    { ...value },
    {
      get(target, key) {
        const child: unknown = Reflect.get(target, key);
        const at = [...path, String(key)];
        if (typeof child === 'object' && child !== null) return recording(child, at, tell);
        tell(at);
        return child;
      },
    },
  );
}

/** 0 if a further connection is established, or the code that it is closed with. */
async function connect(t: Test, target: StartedFanfare): Promise<number> {
  const client = RawClient.open(t, target);
  return await client.next('pusher:connection_established').then(
    () => 0,
    async () => (await client.closed).code,
  );
}

t.test('a limit of connections below what is there drops nobody; a higher one lets others in', async (t) => {
  const target = await startFanfare(t, { connections: { max: 2, maxPerIp: 2 } });
  const clients = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  t.equal(await connect(t, target), 4100);
  const { changes } = await target.reload({ connections: { max: 1 } });
  t.strictSame(changes, ['connections.max has changed', 'connections.maxPerIp has changed']);
  t.equal(await connect(t, target), 4100);
  for (const client of clients) await client.fence();
  await target.reload({ connections: { max: 3 } });
  t.equal(await connect(t, target), 0);
  t.equal(await connect(t, target), 4100);
  await target.reload({ connections: { maxPerIp: 3 } });
  t.equal(await connect(t, target), 4100);
  await target.reload({ connections: {} });
  t.equal(await connect(t, target), 0);
  for (const client of clients) await client.fence();
});

t.test('a rate of new connections', async (t) => {
  const target = await startFanfare(t);
  await target.reload({ connections: { newPerMinutePerIp: 1 } });
  // Of three within a moment, two are of the same minute at least.
  t.ok((await Promise.all([1, 2, 3].map(() => connect(t, target)))).includes(4100));
  await target.reload({});
  t.equal(await connect(t, target), 0);
});

t.test('a rate of what a connection sends, of those too that are there', async (t) => {
  // Nothing that a client may send is so large that the rate would be more.
  const apps = [{ ...APP, limits: { maxEventBytes: 1000 } }];
  const slow = { apps, connections: { maxReceiveBytesPerSecond: '64KB' } };
  const target = await startFanfare(t, slow);
  const send = (client: RawClient) => {
    for (let sent = 0; sent < 10; sent += 1) client.send({ event: 'client-x', channel: 'c', data: 'x'.repeat(50_000) });
  };
  const [early, late] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  send(early);
  t.equal((await within(early.closed, 'the close')).code, 4100);
  await target.reload({ connections: { maxReceiveBytesPerSecond: '1GB' } });
  await late.fence();
  send(late);
  await late.fence();
});

t.test('what a request may hold grows and shrinks with the limits of the apps', async (t) => {
  const withLimits = (limits: object) => ({ apps: [{ ...APP, limits }] });
  const target = await startFanfare(t, withLimits({ maxEventBytes: '1KB' }));
  const api = new SignedApi(target);
  const statusOf = async () => {
    const answer = await api.post('/events', { name: 'e', channels: [unique('room')], data: 'x'.repeat(200_000) });
    return [answer.status, /The body/.test(answer.text)];
  };
  t.strictSame(await statusOf(), [413, true], 'before anyone looks at it');
  const { needRestart } = await target.reload(withLimits({ maxEventBytes: '300KB' }));
  t.strictSame(await statusOf(), [200, false]);
  t.strictSame(needRestart, ['apps[].limits.maxEventBytes beyond the largest so far'], 'for what clients send');
  await target.reload(withLimits({ maxEventBytes: '1KB' }));
  t.strictSame(await statusOf(), [413, true]);
});

t.test('sessions over HTTP', async (t) => {
  const target = await startFanfare(t, { fallback: { maxSessionsPerIp: 1 } });
  const polling = { ...target, transport: 'xhr_polling' } as const;
  const first = await RawClient.connect(t, polling);
  t.equal(await connect(t, polling), 4100);
  await target.reload({ fallback: { maxSessionsPerIp: 2 } });
  t.equal(await connect(t, polling), 0);
  await first.fence();
});

t.test('what is kept of a channel fits twice into what may wait for a client, before a restart too', async (t) => {
  const target = await startFanfare(t);
  const [resume, connections] = [{ maxBytesPerChannel: '2MB' }, { maxBackpressureBytes: '4MB' }];
  t.match(await target.reload({ resume, connections }), {
    changes: ['resume.maxBytesPerChannel has changed'],
    needRestart: [
      'connections.maxBackpressureBytes',
      'resume.maxBytesPerChannel beyond half of connections.maxBackpressureBytes',
    ],
  });
  const inForce = new ConfigInForce(configOf());
  const kept = inForce.of(retention);
  inForce.replace(configOf({ resume, connections }));
  t.equal(kept().log.maxBytes, 512 * 1024);
  inForce.replace(configOf({ resume: { maxBytesPerChannel: '1KB' } }));
  t.equal(kept().log.maxBytes, 1024);
});
