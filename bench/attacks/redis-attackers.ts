import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { channelAuth, md5, requestSignature } from '../../test/support/signing.ts';
import { type Attacker, type Prey, WRONG } from './attacks.ts';
import { APP } from './bed.ts';

/** A client that knows its socket id, and what it was sent. */
interface Client {
  readonly socket: WebSocket;
  readonly id: string;
  readonly heard: string[];
  send(event: string, data: unknown, channel?: string): void;
}

const STARTED_MS = 5000;

/** Undefined if it was refused, or nobody has answered. */
async function open(port: number, path = `/app/${APP.key}`): Promise<Client | undefined> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}?protocol=7&client=js`);
  const heard: string[] = [];
  const established = new Promise<string | undefined>((resolve) => {
    socket.on('message', (bytes) => {
      const text = String(bytes);
      heard.push(text);
      const id = /"socket_id\\?":\\?"([\d.]+)/.exec(text)?.[1];
      if (text.includes('connection_established')) resolve(id);
    });
    socket.on('close', () => resolve(undefined));
    socket.on('error', () => resolve(undefined));
  });
  const id = await Promise.race([established, delay(STARTED_MS, undefined)]);
  if (id === undefined) {
    socket.terminate();
    return undefined;
  }
  const send = (event: string, data: unknown, channel?: string) =>
    socket.send(JSON.stringify({ event, data, ...(channel === undefined ? {} : { channel }) }));
  return { socket, id, heard, send };
}

function signed(port: number, method: string, path: string, body: string, more: Record<string, string> = {}): URL {
  const query = {
    ...{ auth_key: APP.key, auth_timestamp: String(Math.floor(Date.now() / 1000)), auth_version: '1.0', ...more },
    ...(body === '' ? {} : { body_md5: md5(body) }),
  };
  const auth_signature = requestSignature(APP.secret, method, path, query);
  return new URL(`http://127.0.0.1:${port}${path}?${new URLSearchParams({ ...query, auth_signature })}`);
}

async function trigger(port: number, channel: string, data = '1'): Promise<void> {
  const body = JSON.stringify({ name: 'e', channels: [channel], data });
  await fetch(signed(port, 'POST', `/apps/${APP.id}/events`, body), { method: 'POST', body });
}

/** A connection to Redis of bare bytes: what it says, as text. */
function redisConnection(port: number, take: (text: string) => void): Socket {
  return connect(port, '127.0.0.1')
    .setEncoding('utf8')
    .on('data', (text) => take(String(text)));
}

async function ask(port: number, ...command: string[]): Promise<string> {
  let answer = '';
  const socket = redisConnection(port, (text) => {
    answer += text;
  });
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  socket.write(`*${command.length}\r\n${parts.join('')}`);
  while (!answer.endsWith('\r\n')) await delay(5);
  await delay(5);
  socket.destroy();
  return answer;
}

/** How often Redis has read a range of a log. */
async function readsOfLogs(port: number): Promise<number> {
  const stats = await ask(port, 'INFO', 'commandstats');
  return Number(/cmdstat_xrange:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

function redisOf({ redis }: Prey): { readonly port: number; readonly pid: number } {
  if (redis === undefined) throw new Error('this attack is one on Redis');
  return redis;
}

const MOST_READS_A_SECOND = 100;
const CHANNELS = 6000;
const CONNECTIONS = 6;
const PLACES = 5;
const EVENTS = 50;

async function unfillableGap(prey: Prey): Promise<string> {
  const { port: redisPort } = redisOf(prey);
  const channel = 'gap';
  const client = await open(prey.port, `/resume/${randomUUID()}/app/${APP.key}`);
  client?.send('pusher:subscribe', { channel });
  // A message of the log as it goes through Redis: its channel, and what it says of its place.
  let last: { readonly on: string; readonly epoch: string; readonly offset: number } | undefined;
  const listener = redisConnection(redisPort, (text) => {
    const lines = text.split('\r\n');
    for (const [at, line] of lines.entries()) {
      const found = /^\*(\S+) \d+ (\d+) [.~]/.exec(line);
      if (found !== null && line.includes('"gap"'))
        last = { on: lines[at - 2] ?? '', epoch: found[1] ?? '', offset: Number(found[2]) };
    }
  });
  listener.write('*2\r\n$10\r\nPSUBSCRIBE\r\n$1\r\n*\r\n');
  await delay(500);
  await trigger(prey.port, channel);
  await delay(500);
  if (last === undefined) throw new Error('no message of a log was heard');
  const { on, epoch, offset } = last;
  const before = await readsOfLogs(redisPort);
  const begun = performance.now();
  for (let ahead = 10; performance.now() - begun < prey.seconds * 1000; ahead += 10) {
    const forged = `*${epoch} ${offset + ahead - 5} ${offset + ahead} .{"event":"e","channel":"gap","data":"2"}`;
    await ask(redisPort, 'PUBLISH', on, forged);
    await delay(100);
  }
  const reads = Math.round(((await readsOfLogs(redisPort)) - before) / ((performance.now() - begun) / 1000));
  listener.destroy();
  client?.socket.terminate();
  return `${reads > MOST_READS_A_SECOND ? WRONG : ''}${reads} reads of the log a second`;
}

async function killedNode(prey: Prey): Promise<string> {
  const { second, port } = prey;
  if (second === undefined) throw new Error('this attack kills a second node');
  const each = CHANNELS / CONNECTIONS;
  const end = performance.now() + prey.seconds * 1000;
  const one = async (connection: number) => {
    const client = await open(second.port);
    const channels = Array.from({ length: each }, (_, index) => `killed-${connection * each + index}`);
    for (let round = 0; performance.now() < end; round += 1) {
      for (const channel of channels) client?.send('pusher:subscribe', { channel });
      await delay(300);
      if (performance.now() >= end) return;
      for (const channel of channels) client?.send('pusher:unsubscribe', { channel });
      // Some renewals of the lease later what is idle is taken off the list of what the node has.
      await delay(600 + ((round * 7 + connection) % 10) * 50);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, connection) => one(connection)));
  process.kill(second.pid, 'SIGKILL');
  await delay(6000);
  const url = signed(port, 'GET', `/apps/${APP.id}/channels`, '', { filter_by_prefix: 'killed-' });
  const { channels } = (await (await fetch(url)).json()) as { channels: object };
  const left = Object.keys(channels).length;
  return left === 0 ? 'no channel is left' : `${WRONG}${left} of ${CHANNELS} channels are listed for good`;
}

async function redisHangs(prey: Prey): Promise<string> {
  const { pid } = redisOf(prey);
  for (let hang = 0; hang < 3; hang += 1) {
    process.kill(pid, 'SIGSTOP');
    try {
      const client = await open(prey.port);
      await delay(500);
      client?.socket.close();
      await delay(500);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await delay(4000);
  }
  const clients = await Promise.all(Array.from({ length: PLACES }, () => open(prey.port)));
  const admitted = clients.filter((client) => client !== undefined).length;
  for (const client of clients) client?.socket.close();
  return `${admitted < PLACES ? WRONG : ''}${admitted} of ${PLACES} clients are let in afterwards`;
}

async function lastEvents(prey: Prey): Promise<string> {
  const channel = 'private-last';
  const join = (client: Client | undefined) => {
    if (client !== undefined) client.send('pusher:subscribe', { channel, auth: channelAuth(APP, client.id, channel) });
  };
  const listener = await open(prey.port);
  join(listener);
  const end = performance.now() + prey.seconds * 1000;
  let sent = 0;
  while (performance.now() < end) {
    const sender = await open(prey.port);
    if (sender === undefined) continue;
    join(sender);
    while (!sender.heard.some((text) => text.includes('subscription_succeeded'))) await delay(5);
    for (let n = 0; n < EVENTS; n += 1) sender.send('client-x', `${n}`, channel);
    sender.socket.close();
    sent += EVENTS;
    await delay(200);
  }
  await delay(1000);
  const heard = listener?.heard.filter((text) => text.includes('client-x')).length ?? 0;
  listener?.socket.terminate();
  return `${heard < sent ? WRONG : ''}${heard} of ${sent} client events arrived`;
}

const REWOUND = 'rewound';
const REWOUND_EVENTS = 50;
const REWOUND_BYTES = 10_000;
const REWINDERS = 5;

/** The app's own events, so many and so large; then strangers who join and leave again and again to be sent them. */
async function rewinds({ port, seconds }: Prey): Promise<string> {
  const data = 'x'.repeat(REWOUND_BYTES);
  for (let n = 0; n < REWOUND_EVENTS; n += 1) await trigger(port, REWOUND, data);
  const end = performance.now() + seconds * 1000;
  let joins = 0;
  const one = async () => {
    const client = await open(port);
    const joined = () => client?.heard.filter((text) => text.includes('subscription_succeeded')).length ?? 0;
    while (client !== undefined && performance.now() < end) {
      client.send('pusher:subscribe', { channel: REWOUND });
      while (joined() === 0 && performance.now() < end) await delay(1);
      client.heard.length = 0;
      client.send('pusher:unsubscribe', { channel: REWOUND });
      joins += 1;
    }
    client?.socket.terminate();
  };
  await Promise.all(Array.from({ length: REWINDERS }, one));
  return `${joins} joins`;
}

export const REDIS_ATTACKERS: Readonly<Record<string, Attacker>> = {
  'unfillable-gap': unfillableGap,
  'killed-node': killedNode,
  'redis-hangs': redisHangs,
  'last-events': lastEvents,
  rewinds,
};
