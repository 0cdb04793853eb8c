import { memoryState } from '../../../src/broker/memory/index.ts';
import { type ConfigInput, configSchema } from '../../../src/config/schema.ts';
import { ConfiguredApps } from '../../../src/core/contracts/app.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import type { Socket } from '../../../src/core/contracts/transport.ts';
import { type Core, createCore } from '../../../src/core/create-core.ts';
import { ERROR_CODES } from '../../../src/protocol/error-codes.ts';
import { coreSettings } from '../../../src/server/settings.ts';
import { channelAuth, userAuth } from '../../support/signing.ts';
import { type FuzzTarget, mustBeSentence, mustHold } from './target.ts';

const APP = { id: 'app-id', key: 'app-key', secret: 'a-secret-that-no-frame-may-hold' };
const CODES = new Set<number | null>([null, ...Object.values(ERROR_CODES).map(({ code }) => code)]);
const REFUSAL_STATUS = new Set([400, 401, 403, 503]);
const MAX_TURNS = 1000;

/** A client's end that keeps what it was sent. */
class Inbox implements Socket {
  readonly transport = 'fuzz';
  readonly frames: string[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  readonly topics = new Set<string>();

  send(frame: string): void {
    if (this.closes.length === 0) this.frames.push(frame);
  }
  together(act: () => void): void {
    act();
  }

  join(topic: string): void {
    this.topics.add(topic);
  }
  leave(topic: string): void {
    this.topics.delete(topic);
  }
  ping(): void {}
  async drained(): Promise<void> {}
  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }
}

const nobody = () => undefined;
let running: Promise<Core> | undefined;

async function startCore(): Promise<Core> {
  const input: ConfigInput = {
    apps: [{ ...APP, clientEvents: true, subscriptionCount: true, limits: { clientEventsPerSecond: 0 } }],
  };
  const config = configSchema.parse(input);
  const settings = { ...coreSettings(config), maxConnections: 0, maxConnectionsPerIp: 0 };
  const log = { maxEvents: 100, maxBytes: 100_000, maxAgeSeconds: 60 };
  const session = { maxChannels: 100, maxBytes: 100_000, maxBytesPerAddress: 1_000_000 };
  const logger = { debug: nobody, info: nobody, warn: nobody, error: failed };
  const core = createCore({
    checkToken: async () => ({ code: 4009, message: 'no token', client: '' }),
    settings: () => settings,
    liveness: config.connections,
    apps: new ConfiguredApps(config.apps),
    shared: memoryState(() => ({ log, sessionSeconds: 60, session }), logger),
    ...{ version: '0', isReady: () => true },
    metrics: createMetrics(),
    logger,
  });
  await core.start();
  return core;
}

let logged: string | undefined;

/** Nothing that a client sends may be logged as an error of the server's. */
function failed(fields: object, message: string): void {
  logged ??= `${message} ${'err' in fields && fields.err instanceof Error ? fields.err.stack : JSON.stringify(fields)}`;
}

/** `"auth":"valid"` stands for the signature that fits: no mutation would ever find it. */
function signed(line: string, socketId: string): string {
  if (!line.includes('"valid"')) return line;
  try {
    const frame = JSON.parse(line) as { event: string; data: Record<string, unknown> };
    const { data } = frame;
    if (data?.auth !== 'valid') return line;
    if (typeof data.user_data === 'string') data.auth = userAuth(APP, socketId, data.user_data);
    else if (typeof data.channel === 'string') {
      const channelData = typeof data.channel_data === 'string' ? data.channel_data : undefined;
      data.auth = channelAuth(APP, socketId, data.channel, channelData);
    }
    return JSON.stringify(frame);
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
}

function check(frame: string): void {
  const message = JSON.parse(frame) as { event?: unknown; channel?: unknown; data?: unknown };
  mustHold(typeof message.event === 'string' && message.event !== '', `no event: ${frame}`);
  mustHold(message.channel === undefined || typeof message.channel === 'string', `a bad channel: ${frame}`);
  mustHold(!/"(?:channel|user_id)":null/.test(frame), `a null: ${frame}`);
  mustHold(!frame.includes(APP.secret), `the secret: ${frame}`);
  mustHold(!frame.includes('Internal error'), `an internal error: ${frame}`);
  if (message.event === 'pusher:error') {
    const { code, message: sentence } = message.data as { code: number | null; message: string };
    mustHold(CODES.has(code), `a code that is not documented: ${frame}`);
    mustBeSentence(sentence, [APP.secret]);
  } else if (message.event === 'pusher:subscription_error') {
    const { status, error } = message.data as { status: number; error: string };
    mustHold(REFUSAL_STATUS.has(status), `a status that is not documented: ${frame}`);
    mustBeSentence(error, [APP.secret]);
  } else {
    mustHold(typeof message.data === 'string', `data is no string: ${frame}`);
  }
}

async function run(input: Buffer): Promise<number> {
  running ??= startCore();
  const { connections } = await running;
  const socket = new Inbox();
  const [first = '', ...lines] = input.toString('utf8').split('\n');
  // The first line is the path and the query of the handshake, if it looks like one.
  const [path = '', query = ''] = first.startsWith('/') ? first.split('?', 2) : ['/app/app-key', 'protocol=7'];
  if (!first.startsWith('/')) lines.unshift(first);
  const connection = connections.open({ path, query, origin: '', ip: '192.0.2.1', secure: false }, socket);
  if (connection !== undefined) {
    for (const line of lines)
      if (socket.closes.length === 0) connections.message(connection, signed(line, connection.socketId));
    for (let turn = 0; !connection.tasks.idle; turn += 1) {
      mustHold(turn < MAX_TURNS, 'the connection is busy for ever');
      await new Promise(setImmediate);
    }
    connections.closed(connection, true);
    await new Promise(setImmediate);
    mustHold(connections.size === 0, 'a connection is left');
  }
  for (const frame of socket.frames) check(frame);
  for (const { code } of socket.closes) mustHold(CODES.has(code), `closed with ${code}, which is not documented`);
  const error = logged;
  logged = undefined;
  mustHold(error === undefined, `logged as an error: ${error}`);
  return Math.max(1, lines.length);
}

const subscribe = (channel: string, data: object = {}) =>
  JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth: 'valid', ...data } });

export const frames: FuzzTarget = {
  name: 'frames',
  input: 'a handshake (`/app/app-key?protocol=7`) and frames of one connection, a line each; "auth":"valid" is signed',
  examples: [
    `/app/app-key?protocol=7&client=js&version=8.6.0\n${subscribe('news')}\n{"event":"pusher:ping","data":{}}`,
    `/resume/0123456789abcdef/app/app-key?protocol=7\n${subscribe('private-a')}`,
    `${subscribe('private-a')}\n{"event":"client-typed","channel":"private-a","data":{"a":1}}`,
    subscribe('presence-a', { channel_data: '{"user_id":"1","user_info":{"name":"Ann"},"exp":1893456000}' }),
    `${subscribe('private-encrypted-a')}\n{"event":"pusher:unsubscribe","data":{"channel":"private-encrypted-a"}}`,
    '{"event":"pusher:signin","data":{"auth":"valid","user_data":"{\\"id\\":\\"1\\",\\"watchlist\\":[\\"2\\"]}"}}',
    subscribe('cache-a'),
  ],
  dictionary: [
    ...['pusher:subscribe', 'pusher:unsubscribe', 'pusher:signin', 'pusher:ping', 'pusher:pong', 'client-', 'pusher:'],
    ...[
      '"event":',
      '"channel":',
      '"data":',
      '"auth":"valid"',
      '"channel_data":"',
      '"user_data":"',
      '"user_id":',
      '"id":',
    ],
    ...[
      'private-',
      'presence-',
      'private-encrypted-',
      'cache-',
      '#server-to-user-1',
      '__proto__',
      'constructor',
      'null',
    ],
    ...['{}', '[]', '""', '\\"', '\\u0000', '\\ud800', '\u2028', '1e400', '-0', 'true', '\n', '"watchlist":["2"]'],
  ],
  run,
};
