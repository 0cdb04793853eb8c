import { setTimeout as pause } from 'node:timers/promises';
import { redisNode } from '../contract-cluster.ts';
import { unique } from '../names.ts';
import { reachable } from './reachable.ts';

/**
 * A node in a process of its own. Its topics are left and entered again and again, so many of them are entered just
 * when the node takes what it no longer holds off its list. Tells when all are entered for good.
 */
const [url = '', keyPrefix = '', count = '0', forMs = '0', leaseSeconds = '1'] = process.argv.slice(2);
const node = await redisNode({ url, keyPrefix, leaseSeconds: Number(leaseSeconds), lingerSeconds: 60 });
const endMs = performance.now() + Number(forMs);
const leaseMs = Number(leaseSeconds) * 1000;

await Promise.all(Array.from({ length: Number(count) }, (_, index) => comeAndGo(index)));
process.send?.('ready');

async function comeAndGo(index: number): Promise<void> {
  const isPresence = index % 10 === 0;
  const topic = `app/${unique(isPresence ? 'presence-' : 'c')}`;
  const socketId = `1.${index}`;
  const member = isPresence ? { userId: `u${index}`, info: undefined } : undefined;
  // A presence channel's changes are heard before they can be told.
  if (isPresence) await node.broker.subscribe(topic);
  for (;;) {
    await reachable(() => node.roster.enter({ topic, socketId, member }, () => undefined));
    if (performance.now() > endMs) return;
    await reachable(() => node.roster.leave(topic, socketId));
    await pause(leaseMs * (0.3 + Math.random() * 0.5));
  }
}
