import { setTimeout as pause } from 'node:timers/promises';
import type Pusher from 'pusher';

/** What the server takes in one batch. (Setting: apps[].limits.maxBatchEvents) */
const MAX_BATCH = 10;

/** A replica that is replaced, or Redis that fails over, is back within that. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 200;

interface Waiting {
  readonly event: Pusher.BatchEvent;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends many small events in few requests, each channel's in the order in which they were given. Whatever is given
 * while a request is under way goes out together with the next: at one token a request, a hundred answers at once would
 * be thousands of requests a second.
 *
 * A channel belongs to one lane, and a lane has one request under way, so nothing overtakes; the lanes go in parallel.
 * A request that failed is made again, though the first may have been taken after all: receivers must be able to tell a
 * repetition, as by an index.
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

  /** Resolves once Fanfare has taken the event; rejects if it has not. */
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
        await this.#post(batch.map(({ event }) => event));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#busy[lane] = false;
  }

  async #post(events: Pusher.BatchEvent[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.requests += 1;
        await this.#pusher.triggerBatch(events);
        return;
      } catch (error) {
        if (attempt === ATTEMPTS || !isWorthAnotherAttempt(error)) throw error;
        await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
      }
    }
  }
}

/** No answer, or one of the server's side: 500 to 599. What the server refuses, it refuses again. */
function isWorthAnotherAttempt(error: unknown): boolean {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status !== 'number' || status >= 500;
}

function hash(text: string): number {
  let value = 0;
  for (const character of text) value = (value * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return value;
}
