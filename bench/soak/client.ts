import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { channelAuth, userAuth } from '../../test/support/signing.ts';

export const SOAK_APP = { id: 'soak', key: 'soak-key', secret: 'soak-secret-for-this-run' };

/** Names that no other client has: what they leave behind would be seen to grow. */
let names = 0;

const anyOf = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)] as Item;

export interface ClientCounts {
  connections: number;
  subscriptions: number;
  clientEvents: number;
  received: number;
}

/** What stays the same over the whole run: a cache channel keeps its event for half an hour. */
const CACHE_CHANNELS = Array.from({ length: 8 }, (_, index) => `cache-soak-${index}`);
export const SHARED_CHANNELS = ['soak-news', 'private-soak-room', 'presence-soak-room', ...CACHE_CHANNELS];

/**
 * One client's life: it connects, joins and leaves channels, signs in, sends client events, and goes, in good manners
 * or by cutting its connection. Resolves when it has gone, also if the server was away.
 */
export async function liveOnce(port: number, lifeMs: number, counts: ClientCounts): Promise<void> {
  const path = Math.random() < 0.3 ? `/resume/${randomUUID()}/app/${SOAK_APP.key}` : `/app/${SOAK_APP.key}`;
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}?protocol=7&client=js&version=8.6.0`);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const established = new Promise<string>((resolve) => {
    socket.on('message', (bytes: Buffer) => {
      counts.received += 1;
      const text = bytes.toString();
      if (!text.startsWith('{"event":"pusher:connection_established"')) return;
      const { data } = JSON.parse(text) as { data: string };
      resolve((JSON.parse(data) as { socket_id: string }).socket_id);
    });
  });
  // Whatever the error is, a close follows.
  socket.on('error', () => undefined);
  const life = delay(lifeMs);
  const socketId = await Promise.race([established, closed, life]);
  if (socketId !== undefined) {
    counts.connections += 1;
    await behave(socket, socketId, life, counts);
  }
  if (Math.random() < 0.5) socket.close();
  else socket.terminate();
  await Promise.race([closed, delay(2000)]);
  socket.terminate();
}

async function behave(socket: WebSocket, socketId: string, life: Promise<void>, counts: ClientCounts): Promise<void> {
  names += 1;
  const own = [`soak-${names}`, `private-soak-${names}`, `presence-soak-${names}`, `private-encrypted-soak-${names}`];
  const channels = [anyOf(own), anyOf(own), anyOf(SHARED_CHANNELS), anyOf(SHARED_CHANNELS)];
  const send = (event: string, data: object, channel?: string) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ event, data, channel }));
  };
  if (Math.random() < 0.3) {
    const userData = JSON.stringify({ id: `user-${names % 20}`, watchlist: [`user-${(names + 1) % 20}`] });
    send('pusher:signin', { auth: userAuth(SOAK_APP, socketId, userData), user_data: userData });
  }
  for (const channel of new Set(channels)) {
    counts.subscriptions += 1;
    const channelData = channel.startsWith('presence-')
      ? JSON.stringify({ user_id: `member-${names % 50}`, user_info: { name: 'a name' } })
      : undefined;
    const auth = /^(?:private|presence)-/.test(channel) ? channelAuth(SOAK_APP, socketId, channel, channelData) : '';
    send('pusher:subscribe', { channel, auth, channel_data: channelData });
  }
  for (;;) {
    const isOver = await Promise.race([life.then(() => true), delay(100 + Math.random() * 400).then(() => false)]);
    if (isOver || socket.readyState !== WebSocket.OPEN) return;
    const channel = anyOf(channels);
    if (Math.random() < 0.2) {
      send('pusher:unsubscribe', { channel });
    } else if (/^(?:private|presence)-(?!encrypted)/.test(channel)) {
      counts.clientEvents += 1;
      send('client-soak', { some: 'data' }, channel);
    }
  }
}
