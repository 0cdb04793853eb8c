import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import { signDevelopmentToken } from '../../src/auth/index.ts';
import { Pusher } from '../../test/support/pusher-client.ts';
import type { Attacker, Prey } from './attacks.ts';
import { APP, JWT_SECRET } from './bed.ts';

/** A WebSocket of bare bytes, opened. */
async function open(port: number, path = `/app/${APP.key}`, extensions = '', more = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(
    `GET ${path}?protocol=7&client=js${more} HTTP/1.1\r\nHost: x\r\n` +
      `Upgrade: websocket\r\nConnection: Upgrade\r\n${extensions}` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  await Promise.race([new Promise((resolve) => socket.once('data', resolve)), delay(5000)]);
  return socket.resume();
}

/** A frame as a client sends it, masked with zeros. (RFC 6455, section 5.2; RFC 7692: the first reserved bit) */
function frame(payload: Buffer, isDeflated = false): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10);
  head[0] = isDeflated ? 0xc1 : 0x81;
  if (head.length === 2) head[1] = 0x80 | payload.length;
  else if (head.length === 4) head.writeUInt16BE(payload.length, 2);
  else head.writeBigUInt64BE(BigInt(payload.length), 2);
  if (head.length === 4) head[1] = 0x80 | 126;
  if (head.length === 10) head[1] = 0x80 | 127;
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

const text = (message: object) => frame(Buffer.from(JSON.stringify(message)));
const subscribe = (channel: string) => text({ event: 'pusher:subscribe', data: { channel } });

/** Resolves once the bytes have been taken, the connection has gone, or the time is up. */
async function write(socket: Socket, bytes: Buffer, deadline: number): Promise<void> {
  if (socket.destroyed) return;
  let taken = socket.write(bytes);
  const drained = () => {
    taken = true;
  };
  socket.once('drain', drained);
  while (!taken && !socket.destroyed && performance.now() < deadline) await delay(5);
  socket.off('drain', drained);
}

/** What the server's kernel holds for this client, as Linux tells. */
function sendQueueBytes(socket: Socket, serverPort: number): number {
  const hex = (port: number) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const [local, remote] = [hex(serverPort), hex(socket.localPort ?? 0)];
  const line = ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n'))
    .map((row) => row.trim().split(/\s+/))
    .find(([, from, to]) => from?.endsWith(local) && to?.endsWith(remote));
  return Number.parseInt(line?.[4]?.split(':')[0] ?? '0', 16);
}

/** Has the server answer until neither side's kernel takes more, so that some of it waits in the server's memory. */
async function fillBuffers(socket: Socket, port: number, deadline: number): Promise<void> {
  const wrong = Buffer.concat(Array.from({ length: 500 }, () => text({ event: 'x' })));
  let [before, unchanged] = [-1, 0];
  while (unchanged < 2 && performance.now() < deadline && !socket.destroyed) {
    await write(socket, wrong, deadline);
    await delay(30);
    const now = sendQueueBytes(socket, port);
    unchanged = now > 0 && now === before ? unchanged + 1 : 0;
    before = now;
  }
}

/** Handshakes that are refused, 20 at a time, until the time is up. */
async function handshakes({ port, seconds }: Prey, path: string, more = ''): Promise<string> {
  const deadline = performance.now() + seconds * 1000;
  let count = 0;
  const one = async () => {
    while (performance.now() < deadline) {
      const socket = await open(port, path, '', more);
      count += 1;
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
  return `${count} handshakes`;
}

export const SOCKET_ATTACKERS: Readonly<Record<string, Attacker>> = {
  async 'queued-frames'({ port, seconds }) {
    const deadline = performance.now() + seconds * 1000;
    const large = text({ event: 'client-x', channel: 'c', data: 'x'.repeat(355_000) });
    let sent = 0;
    const one = async () => {
      const socket = await open(port, `/resume/${randomUUID()}/app/${APP.key}`);
      socket.pause();
      await fillBuffers(socket, port, deadline);
      await write(socket, subscribe('c'), deadline);
      for (let n = 0; n < 4900 && performance.now() < deadline && !socket.destroyed; n += 1) {
        await write(socket, large, deadline);
        sent += 1;
      }
      return socket;
    };
    const sockets = await Promise.all([one(), one(), one()]);
    for (const socket of sockets) socket.destroy();
    return `${sent} frames sent`;
  },

  'resume-paths': (prey) => handshakes(prey, `${'/resume/a'.repeat(430)}/app/`),

  'query-parameters': (prey) => handshakes(prey, '/app/no-such-key', '&a'.repeat(15_000)),

  async 'expired-token'({ port, seconds }) {
    const token = await signDevelopmentToken({ secret: JWT_SECRET, user: '7', expiresInSeconds: 1 });
    const pusher = new Pusher(APP.key, {
      ...{ wsHost: '127.0.0.1', wsPort: port, forceTLS: false, cluster: '', enabledTransports: ['ws'] },
      channelAuthorization: {
        ...{ transport: 'ajax', endpoint: `http://127.0.0.1:${port}/broadcasting/auth` },
        headers: { Authorization: `Bearer ${token}` },
      },
    });
    let connections = 0;
    pusher.connection.bind('connected', () => {
      connections += 1;
    });
    pusher.subscribe('private-a');
    await delay(seconds * 1000);
    pusher.disconnect();
    return `${connections} connections of one client`;
  },

  async 'large-sessions'({ port }) {
    const channels = Buffer.concat(
      Array.from({ length: 1000 }, (_, index) => subscribe(`c${String(index).padStart(199, '-')}`)),
    );
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        await delay(index * 50);
        const socket = await open(port, `/resume/${randomUUID()}/app/${APP.key}`);
        socket.write(channels);
        await delay(3000);
        socket.destroy();
      }),
    );
    await delay(1000);
    return '';
  },

  async 'log-flood'({ port, seconds }) {
    const deadline = performance.now() + seconds * 1000;
    const socket = await open(port);
    for (let n = 0; n < 50_000 && !socket.destroyed && performance.now() < deadline; n += 200) {
      const frames = Array.from({ length: 200 }, (_, index) =>
        text({ event: 'pusher:subscribe', data: { channel: `private-${n + index}`, auth: `${APP.key}:wrong` } }),
      );
      await write(socket, Buffer.concat(frames), deadline);
      // As fast as one connection may, and no faster: the flood is of lines, not of bytes.
      await delay(30);
    }
    await delay(500);
    socket.destroy();
    return '';
  },

  async 'many-channels'({ port, seconds }) {
    const deadline = performance.now() + seconds * 1000;
    const socket = await open(port);
    for (let n = 0; n < 200_000 && !socket.destroyed && performance.now() < deadline; n += 250) {
      const frames = Array.from({ length: 250 }, (_, index) => subscribe(`c-${n + index}`));
      await write(socket, Buffer.concat(frames), deadline);
      await delay(35);
    }
    socket.destroy();
    await delay(2000);
    return '';
  },

  async 'deflated-frames'({ port, seconds }) {
    const deadline = performance.now() + seconds * 1000;
    const message = `{"event":"client-x","data":"${' '.repeat(360_000)}"}`;
    const deflated = frame(deflateRawSync(message, { finishFlush: 2 }).subarray(0, -4), true);
    const all = Buffer.concat(Array.from({ length: 3000 }, () => deflated));
    let rounds = 0;
    while (performance.now() < deadline) {
      const socket = await open(port, undefined, 'Sec-WebSocket-Extensions: permessage-deflate\r\n');
      await write(socket, all, deadline);
      await delay(500);
      socket.destroy();
      rounds += 1;
    }
    return `${rounds} times`;
  },

  async 'ping-flood'({ port, seconds }) {
    const deadline = performance.now() + seconds * 1000;
    // Masked with zeros, and empty. (RFC 6455, section 5.5.2)
    const pings = Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from([0x89, 0x80, 0, 0, 0, 0])));
    let rounds = 0;
    while (performance.now() < deadline) {
      const socket = await open(port);
      while (!socket.destroyed && performance.now() < deadline) await write(socket, pings, deadline);
      socket.destroy();
      rounds += 1;
    }
    return `${rounds} connections`;
  },
};
