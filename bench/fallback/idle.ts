import { setTimeout as delay } from 'node:timers/promises';
import { APP } from '../peers/contestants.ts';
import { Subscriber } from '../support/load/subscriber.ts';
import { NodeProcess } from '../support/node-process.ts';
import { readCpuMicroseconds, readResidentBytes } from '../support/process-usage.ts';
import { IdleSession } from './idle-session.ts';

export interface IdleReport {
  readonly name: 'WebSocket' | 'streaming' | 'polling';
  readonly kilobytesPerSession: number;
  /** Of one CPU, while nothing happens but heartbeats. */
  readonly cpuPercent: number;
  /** How long that was watched. */
  readonly seconds: number;
}

const CONNECTING_AT_ONCE = 100;
/** What the first sessions cost is the server's, not theirs. */
const FIRST = 200;
const SETTLE_MS = 3000;

/** Clients that have joined one channel and hear nothing: 10,000 over each transport, one node after the other. */
export async function measureIdle(sessions: number, seconds: number): Promise<IdleReport[]> {
  const reports: IdleReport[] = [];
  for (const name of ['WebSocket', 'streaming', 'polling'] as const) {
    process.stderr.write(`${sessions} idle sessions: ${name}\n`);
    reports.push(await idle(name, sessions, seconds));
  }
  return reports;
}

async function idle(name: IdleReport['name'], sessions: number, seconds: number): Promise<IdleReport> {
  const node = await NodeProcess.start({
    apps: [APP],
    log: { level: 'warn' },
    auth: { enabled: false },
    connections: { max: sessions + FIRST, maxPerIp: sessions + FIRST },
    fallback: { maxSessions: sessions + FIRST, maxSessionsPerIp: sessions + FIRST },
  });
  const open: { close(): void }[] = [];
  let failed: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    failed = reject;
  });
  try {
    const connect = async (count: number) => {
      for (let left = count; left > 0; left -= CONNECTING_AT_ONCE) {
        const batch = Array.from({ length: Math.min(left, CONNECTING_AT_ONCE) }, () => {
          const { close, ready } = openSession(name, node.port, failed);
          open.push({ close });
          return ready;
        });
        await Promise.race([Promise.all(batch), failure]);
      }
      await delay(SETTLE_MS);
    };
    await connect(FIRST);
    const before = readResidentBytes(node.pid);
    await connect(sessions);
    const kilobytesPerSession = (readResidentBytes(node.pid) - before) / sessions / 1024;
    const cpu = readCpuMicroseconds(node.pid);
    await Promise.race([delay(seconds * 1000), failure]);
    const cpuPercent = (readCpuMicroseconds(node.pid) - cpu) / seconds / 10_000;
    return { name, kilobytesPerSession, cpuPercent, seconds };
  } finally {
    for (const session of open) session.close();
    await node.end('SIGKILL');
  }
}

function openSession(
  name: IdleReport['name'],
  port: number,
  failed: (error: Error) => void,
): { close: () => void; ready: Promise<void> } {
  if (name === 'WebSocket') {
    const onDelivery = () => failed(new Error('an event where none was published'));
    const subscriber = new Subscriber({ port, key: APP.key, channel: 'idle', onDelivery, onFailure: failed });
    return { close: () => subscriber.close(), ready: subscriber.ready() };
  }
  const session = new IdleSession(port, APP.key, name === 'streaming' ? 'xhr_streaming' : 'xhr', 'idle', failed);
  return { close: () => session.close(), ready: session.joined };
}
