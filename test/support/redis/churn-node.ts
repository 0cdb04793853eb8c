import { redisNode } from '../contract-cluster.ts';
import { Churn } from './churn.ts';

/** What a node in a process of its own answers. */
export interface ChurnReport {
  readonly present: string[];
  readonly lists: { readonly socketId: string; readonly members: string[] }[];
  readonly complaints: string[];
}

export type ChurnOrder = 'start' | 'settle' | 'report' | 'close';

const [url = '', keyPrefix = '', topic = '', label = '', count = '0', leaseSeconds = '1'] = process.argv.slice(2);
const node = await redisNode({ url, keyPrefix, leaseSeconds: Number(leaseSeconds), lingerSeconds: 0.2 });
const churn = new Churn(node, topic, label, Number(count));

process.on('message', (order: ChurnOrder) => void obey(order));
process.send?.('ready');

async function obey(order: ChurnOrder): Promise<void> {
  if (order === 'start') churn.start();
  else if (order === 'settle') await churn.settle();
  else if (order === 'close') {
    await node.roster.close();
    await node.broker.close();
    process.disconnect();
    return;
  }
  const report: ChurnReport = {
    present: churn.present(),
    lists: churn.clients
      .filter(({ joined }) => joined)
      .map((client) => ({ socketId: client.socketId, members: client.sorted() })),
    complaints: churn.clients.flatMap(({ socketId, complaints }) => complaints.map((text) => `${socketId} ${text}`)),
  };
  process.send?.(report);
}
