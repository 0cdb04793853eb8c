import { setTimeout as delay } from 'node:timers/promises';
import { BrokerUnavailable } from '../contracts/broker.ts';
import type { Connection } from './connection.ts';

const RETRY_MS = 500;

/**
 * Does what needs the shared state, again and again while that is away: a client's subscription waits rather than
 * fails. False if the connection has gone meanwhile.
 */
export async function whenReachable(connection: Connection, operation: () => Promise<void>): Promise<boolean> {
  while (!connection.closed) {
    try {
      await operation();
      return true;
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      await delay(RETRY_MS);
    }
  }
  return false;
}
