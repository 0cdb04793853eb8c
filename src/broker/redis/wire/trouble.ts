import { BrokerUnavailable } from '../../../core/contracts/broker.ts';

/**
 * Why a command failed, as far as it matters to what is done next:
 * - `moved`: not carried out, another server of the Cluster has the keys
 * - `refused`: not carried out, and it may be later
 * - `script`: not carried out, the server does not know the script
 * - `lost`: the connection has gone, and nobody knows whether it was carried out
 */
export type Trouble = 'moved' | 'refused' | 'script' | 'lost';

/** Codes that begin Redis's errors if the server, rather than the command, is the cause. */
const REFUSALS = new Set([
  'ASK',
  'TRYAGAIN',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'READONLY',
  'BUSY',
  'NOREPLICAS',
  'MISCONF',
  'OOM',
  'NOAUTH',
  'WRONGPASS',
  'NOPERM',
  'UNKILLABLE',
]);

/** Undefined if the command itself is wrong: a fault of this program. */
export function troubleOf(error: unknown): Trouble | undefined {
  if (!(error instanceof Error)) return undefined;
  // The client's word for a connection that is not up: nothing has been sent.
  if (error.message.includes('enableOfflineQueue')) return 'refused';
  if (error.name !== 'ReplyError') return 'lost';
  const [code = ''] = error.message.split(' ', 1);
  if (code === 'MOVED') return 'moved';
  if (code === 'NOSCRIPT') return 'script';
  if (REFUSALS.has(code)) return 'refused';
  // A script passes on the error of the command it called, with its own words around it.
  const inner = /\b(READONLY|OOM|NOREPLICAS|MISCONF|CLUSTERDOWN|NOPERM)\b/.exec(error.message);
  return inner === null ? undefined : 'refused';
}

export function unavailable(what: string, cause?: unknown): BrokerUnavailable {
  return new BrokerUnavailable(`Redis ${what}`, cause === undefined ? undefined : { cause });
}
