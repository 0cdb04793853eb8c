import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosClient } from './client.ts';

/** Returns once nothing has arrived at any of the clients for a while. */
export async function quiet(clients: readonly ChaosClient[]): Promise<void> {
  const seen = () => {
    let count = 0;
    for (const { sightings } of clients) for (const { firstSeenMs } of sightings.values()) count += firstSeenMs.size;
    return count;
  };
  for (let before = -1; before !== seen(); ) {
    before = seen();
    await delay(2000);
  }
}
