import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { channelAuth } from '../../test/support/signing.ts';
import { type Attacker, type Prey, WRONG } from './attacks.ts';
import { APP } from './bed.ts';

const HOARDERS = 12;
const LARGE = 'x'.repeat(100_000);
/** Client events that one connection may send in a second. */
const PER_SECOND = 10;

const COMERS = 6;
const JOINED_AT_ONCE = 30;
const JOIN_MS = 50;
const TOLD_MS = 12_000;

const CHUNK = Buffer.alloc(65_536, 'x');

/** The endpoint that the server has been told of, which answers as it likes; gives what each request brought. */
async function endpoint(
  { webhookPort }: Prey,
  answer: (response: ServerResponse, body: string) => void,
): Promise<void> {
  if (webhookPort === undefined) throw new Error('this attack needs an endpoint of webhooks');
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => answer(response, body));
  });
  await new Promise<void>((resolve) => server.listen(webhookPort, '127.0.0.1', resolve));
}

/** A client that has been let in, and its socket id. */
async function open(port: number): Promise<{ readonly socket: WebSocket; readonly id: string }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/app/${APP.key}?protocol=7`);
  socket.on('error', () => undefined);
  const id = await new Promise<string>((resolve) => {
    socket.once('message', (bytes) => resolve(/"socket_id\\":\\"([\d.]+)/.exec(String(bytes))?.[1] ?? ''));
  });
  return { socket, id };
}

const send = (socket: WebSocket, event: string, data: unknown, channel?: string) =>
  socket.send(JSON.stringify({ event, data, channel }));

/** Whether a client reads what it is sent, so that it may be sent more. */
const isOpen = (socket: WebSocket) => socket.readyState === WebSocket.OPEN && socket.bufferedAmount < 1_000_000;

export const WEBHOOK_ATTACKERS: Readonly<Record<string, Attacker>> = {
  async 'hoarded-webhooks'(prey) {
    await endpoint(prey, () => undefined);
    const deadline = performance.now() + prey.seconds * 1000;
    let sent = 0;
    const one = async () => {
      const channel = `private-${randomUUID()}`;
      const { socket, id } = await open(prey.port);
      send(socket, 'pusher:subscribe', { channel, auth: channelAuth(APP, id, channel) });
      while (performance.now() < deadline) {
        await delay(1000 / PER_SECOND);
        if (!isOpen(socket)) continue;
        send(socket, 'client-x', LARGE, channel);
        sent += 1;
      }
      socket.terminate();
    };
    await Promise.all(Array.from({ length: HOARDERS }, one));
    return `${sent} client events`;
  },

  async 'fact-flood'(prey) {
    let isTold = false;
    const last = `last-${randomUUID()}`;
    await endpoint(prey, (response, body) => {
      isTold ||= body.includes(last);
      setTimeout(() => response.end(), 100);
    });
    const deadline = performance.now() + prey.seconds * 1000;
    let joined = 0;
    const one = async () => {
      const { socket } = await open(prey.port);
      while (performance.now() < deadline) {
        for (let n = 0; n < JOINED_AT_ONCE && isOpen(socket); n += 1) {
          joined += 1;
          send(socket, 'pusher:subscribe', { channel: `c-${joined}` });
          send(socket, 'pusher:unsubscribe', { channel: `c-${joined}` });
        }
        await delay(JOIN_MS);
      }
      socket.terminate();
    };
    await Promise.all(Array.from({ length: COMERS }, one));
    const { socket } = await open(prey.port);
    send(socket, 'pusher:subscribe', { channel: last });
    for (const begun = performance.now(); !isTold && performance.now() - begun < TOLD_MS; ) await delay(20);
    socket.terminate();
    return isTold ? `${joined} channels, and webhooks go on` : `${WRONG}no webhook is told any more`;
  },

  async 'endless-webhooks'(prey) {
    let requests = 0;
    await endpoint(prey, (response) => {
      requests += 1;
      if (requests % 2 === 0) {
        const timer = setInterval(() => {
          for (let n = 0; n < 500; n += 1) response.writeEarlyHints({ link: '</x>; rel=preload' });
        }, 1);
        response.on('close', () => clearInterval(timer));
        return;
      }
      const more = () => {
        while (response.write(CHUNK));
      };
      response.on('drain', more);
      more();
    });
    const { socket } = await open(prey.port);
    const deadline = performance.now() + prey.seconds * 1000;
    for (let n = 0; performance.now() < deadline; n += 1) {
      if (isOpen(socket)) send(socket, 'pusher:subscribe', { channel: `c-${n}` });
      await delay(10);
    }
    socket.terminate();
    return `${requests} requests of webhooks`;
  },
};
