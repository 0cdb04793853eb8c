import type Pusher from 'pusher';

/** What the server takes in one batch. (Setting: apps[].limits.maxBatchEvents) */
const MAX_BATCH = 10;

interface Waiting {
  readonly event: Pusher.BatchEvent;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends many small events in few requests, each channel's in the order in which they were given. Whatever is given while a request is under
 * way goes out together with the next: at one token a request, a hundred answers at once would be thousands of requests a second.
 *
 * A channel belongs to one lane, and a lane has one request under way, so nothing overtakes; the lanes go in parallel.
 */
export class TokenSender {
  readonly #pusher: Pusher;
  readonly #lanes: Waiting[][];
  readonly #busy: boolean[];
  requests = 0;

  constructor(pusher: Pusher, lanes = 4) {
    this.#pusher = pusher;
    this.#lanes = Array.from({ length: lanes }, () => []);
    this.#busy = this.#lanes.map(() => false);
  }

  /** Resolves once Fanfare has taken the event; rejects where it has not. */
  send(channel: string, name: string, data: unknown): Promise<void> {
    const lane = hash(channel) % this.#lanes.length;
    return new Promise((resolve, reject) => {
      this.#lanes[lane]?.push({ event: { channel, name, data }, resolve, reject });
      if (this.#busy[lane] === false) void this.#drain(lane);
    });
  }

  async #drain(lane: number): Promise<void> {
    const waiting = this.#lanes[lane] ?? [];
    this.#busy[lane] = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MAX_BATCH);
      try {
        this.requests += 1;
        await this.#pusher.triggerBatch(batch.map(({ event }) => event));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#busy[lane] = false;
  }
}

function hash(text: string): number {
  let value = 0;
  for (const character of text) value = (value * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return value;
}
