import { redisNode } from '../contract-cluster.ts';

/**
 * A node in a process of its own that has members in a channel, and reads facts without ever being done with them.
 * Asked for a report, it names those that it has been given.
 */
const [url = '', keyPrefix = '', appId = '', reader = '', leaseSeconds = '1'] = process.argv.slice(2);
const node = await redisNode({ url, keyPrefix, leaseSeconds: Number(leaseSeconds), lingerSeconds: 60 });
const ids: string[] = [];

for (const channel of ['c', 'presence-c']) {
  const topic = `${appId}/${channel}`;
  const member = channel === 'c' ? undefined : { userId: 'victim', info: undefined };
  await node.broker.subscribe(topic);
  await node.roster.enter({ topic, socketId: '9.1', member }, () => undefined);
}
await node.roster.signIn(appId, 'victim', '9.1');
const end = node.outbox.reader(reader);
process.on('message', () => void report());
process.send?.('ready');

async function report(): Promise<void> {
  ids.push(...(await end.next()).map(({ id }) => id));
  process.send?.(ids);
}
