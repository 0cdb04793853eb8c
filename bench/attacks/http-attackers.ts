import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { signDevelopmentToken } from '../../src/auth/index.ts';
import type { Attacker, Prey } from './attacks.ts';
import { JWT_SECRET } from './bed.ts';

const CHUNKED = 'POST /apps/app-id/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Sends bytes without waiting for anything, and never minds how it ends. */
function raw(port: number): Socket {
  return connect(port, '127.0.0.1')
    .on('error', () => undefined)
    .resume();
}

/** Writes until the time is up, the connection has gone, or so many bytes have been sent. */
async function pour(socket: Socket, piece: Buffer, maxBytes: number, deadline: number): Promise<number> {
  let sent = 0;
  while (sent < maxBytes && !socket.destroyed && performance.now() < deadline) {
    sent += piece.length;
    if (socket.write(piece)) await delay(0);
    else await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), delay(100)]);
  }
  return sent;
}

const end = (seconds: number) => performance.now() + seconds * 1000;

/** Calls again and again, so many at a time, until the time is up; returns how many were answered with which status. */
async function repeat({ seconds }: Prey, atATime: number, ask: () => Promise<number>): Promise<string> {
  const deadline = end(seconds);
  const statuses = new Map<number, number>();
  const one = async () => {
    while (performance.now() < deadline) {
      const status = await ask().catch(() => 0);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 0) await delay(20);
    }
  };
  await Promise.all(Array.from({ length: atATime }, one));
  return [...statuses].map(([status, count]) => `${count} × ${status === 0 ? 'no answer' : status}`).join(', ');
}

/** Begins anew, until the time is up. */
async function again(seconds: number, attack: (deadline: number) => Promise<void>): Promise<string> {
  const deadline = end(seconds);
  let rounds = 0;
  while (performance.now() < deadline) {
    await attack(deadline);
    rounds += 1;
    await delay(5);
  }
  return `${rounds} times`;
}

async function authorize(port: number, channel: string, headers: Record<string, string>): Promise<number> {
  const body = new URLSearchParams({ socket_id: '1234.5678', channel_name: channel });
  const signal = AbortSignal.timeout(15_000);
  const answer = await fetch(`http://127.0.0.1:${port}/broadcasting/auth`, { method: 'POST', body, headers, signal });
  await answer.text();
  return answer.status;
}

const bearer = async () => ({
  Authorization: `Bearer ${await signDevelopmentToken({ secret: JWT_SECRET, user: '7' })}`,
});

export const HTTP_ATTACKERS: Readonly<Record<string, Attacker>> = {
  async 'chunked-bodies'({ port, seconds }) {
    const piece = Buffer.from('1\r\nx\r\n'.repeat(10_000));
    const deadline = end(seconds);
    let [sent, cut] = [0, 0];
    const one = async () => {
      while (performance.now() < deadline) {
        const socket = raw(port);
        socket.write(CHUNKED);
        sent += await pour(socket, piece, 18_000_000, deadline);
        while (!socket.destroyed && performance.now() < deadline) await delay(20);
        if (socket.destroyed) cut += 1;
        socket.destroy();
        // A stranger who has been cut needs a moment, too.
        await delay(200);
      }
    };
    await Promise.all(Array.from({ length: 14 }, one));
    return `${Math.round(sent / 1e6)} MB sent, cut ${cut} times`;
  },

  async 'hoarded-bodies'({ port, seconds }) {
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    const deadline = end(seconds);
    let cut = 0;
    const one = async () => {
      while (performance.now() < deadline) {
        const socket = raw(port);
        socket.write(CHUNKED);
        await pour(socket, chunk, 3_000_000, deadline);
        while (!socket.destroyed && performance.now() < deadline) await delay(50);
        if (socket.destroyed) cut += 1;
        socket.destroy();
        await delay(200);
      }
    };
    await Promise.all(Array.from({ length: 60 }, one));
    return `cut ${cut} times`;
  },

  async 'uncaught-rule'(prey) {
    const backend = createServer((request, response) => {
      if (request.url === '/refused') response.writeHead(404).end('{}');
      else setTimeout(() => response.end('{}'), 200);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => backend.once('listening', resolve));
    const { port } = backend.address() as AddressInfo;
    const headers = await bearer();
    return await repeat(prey, 2, () => authorize(prey.port, `private-twice.${port}`, headers));
  },

  async 'stuck-log'(prey) {
    const path = `/apps/app-id/channels/${'x'.repeat(180)}?auth_key=app-key&auth_version=1.0&auth_signature=x`;
    return await repeat(prey, 4, async () => {
      const answer = await fetch(`http://127.0.0.1:${prey.port}${path}`, { signal: AbortSignal.timeout(2000) });
      await answer.text();
      return answer.status;
    });
  },

  async 'bearer-spaces'(prey) {
    const headers = { Authorization: `Bearer${' '.repeat(3500)}x y` };
    return await repeat(prey, 20, () => authorize(prey.port, 'private-a', headers));
  },

  async 'pattern-names'(prey) {
    const headers = await bearer();
    return await repeat(prey, 1, () => authorize(prey.port, `private-${'-'.repeat(4000)}`, headers));
  },

  async 'many-headers'(prey) {
    return await repeat(prey, 2, async () => {
      const headers = { Cookie: `session=${'a'.repeat(20_000)}` };
      const answer = await fetch(`http://127.0.0.1:${prey.port}/ready`, { headers });
      await answer.text();
      return answer.status;
    });
  },

  async 'file-descriptors'({ port, seconds }) {
    const sockets = Array.from({ length: 400 }, () => raw(port));
    await delay(seconds * 1000);
    for (const socket of sockets) socket.destroy();
    return '';
  },

  async pipelined({ port, seconds }) {
    const deadline = end(seconds);
    const four = 'GET /ready HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4);
    let answers = 0;
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = raw(port);
        socket.on('data', (bytes) => {
          answers += bytes.toString('latin1').split('HTTP/1.1 200').length - 1;
        });
        while (performance.now() < deadline && !socket.destroyed) {
          socket.write(four);
          await delay(20);
        }
        socket.destroy();
      }),
    );
    return `${answers} answers`;
  },

  async 'request-flood'({ port, seconds }) {
    const many = Buffer.from('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20_000));
    return await again(seconds, async (deadline) => {
      const socket = raw(port);
      await pour(socket, many, Number.POSITIVE_INFINITY, deadline);
      socket.destroy();
    });
  },

  async 'unread-answers'({ port, seconds }) {
    const requests = Buffer.from('GET /fanfare/client.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20));
    const one = (deadline: number) => async () => {
      const socket = raw(port).pause();
      while (performance.now() < deadline && !socket.destroyed) {
        socket.write(requests);
        await delay(1);
      }
      // A connection that was cut shows that only when it is written to.
      socket.destroy();
    };
    return await again(seconds, async (deadline) => {
      await Promise.all(Array.from({ length: 50 }, one(deadline)));
    });
  },
};
