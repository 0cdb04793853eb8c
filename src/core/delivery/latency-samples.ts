import type { Durations } from '../contracts/metrics.ts';

/** Events that are timed in a second at most: timing costs little, timing all would cost something. */
const SAMPLES_PER_SECOND = 20;
const MIN_GAP_MS = 1000 / SAMPLES_PER_SECOND;
/** An event that nobody on this node is subscribed to never comes back. */
const GIVE_UP_MS = 10_000;

/**
 * Times a few of the events that are accepted on this node until they are handed to its own sockets: through Redis
 * and back, if there is one. An event is known again by its topic and frame.
 */
export class LatencySamples {
  readonly #durations: Durations;
  readonly #now: () => number;
  readonly #underWay = new Map<string, { readonly topic: string; readonly atMs: number }>();
  #nextMs = 0;

  constructor(durations: Durations, now: () => number = () => performance.now()) {
    this.#durations = durations;
    this.#now = now;
  }

  /** Right before the event is given to the broker. */
  accepted(topic: string, frame: string): void {
    const atMs = this.#now();
    if (atMs < this.#nextMs) return;
    this.#nextMs = atMs + MIN_GAP_MS;
    for (const [known, sample] of this.#underWay) {
      if (atMs - sample.atMs < GIVE_UP_MS) break;
      this.#underWay.delete(known);
    }
    // A second one like it could not be told from the first.
    if (!this.#underWay.has(frame)) this.#underWay.set(frame, { topic, atMs });
  }

  delivered(topic: string, frame: string): void {
    if (this.#underWay.size === 0) return;
    const sample = this.#underWay.get(frame);
    if (sample?.topic !== topic) return;
    this.#underWay.delete(frame);
    this.#durations.observe((this.#now() - sample.atMs) / 1000);
  }
}
