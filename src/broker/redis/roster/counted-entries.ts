import { channelOf } from '../../../core/contracts/topic.ts';
import type { Holdings } from '../lease/holdings.ts';
import type { Lease } from '../lease/lease.ts';
import { SET_COUNT } from '../scripts/counts.ts';
import { type Deferred, deferred } from '../wire/deferred.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';
import { unavailable } from '../wire/trouble.ts';

export interface Counted {
  /** The first anywhere has come by this change, or the last has gone. */
  readonly turned: boolean;
  /** In the whole cluster. */
  readonly total: number;
}

interface Waiter {
  /** Undefined for who waits until what there is has been written anew. */
  readonly present: boolean | undefined;
  readonly applied: ((counted: Counted) => void) | undefined;
  readonly done: Deferred<Counted>;
  cancelled: boolean;
}

interface Entry {
  readonly topic: string;
  /** What shall be. */
  readonly sockets: Set<string>;
  /** What Redis has, as far as is known, and under which incarnation. */
  written: number;
  incarnation: string;
  waiting: Waiter[];
  running: boolean;
}

const REWRITTEN_AT_ONCE = 200;

/**
 * How many sockets this node has under each topic, told to Redis as a number for the node: many changes at once are one
 * write, and a write may be repeated. What shall be is kept here, and written until Redis has it.
 */
export class CountedEntries {
  readonly #kind: 'counted' | 'user';
  readonly #store: RedisStore;
  readonly #lease: Lease;
  readonly #index: Holdings;
  readonly #entries = new Map<string, Entry>();

  /**
   * @param kind `counted`: channels, which are listed; `user`: signed-in users, whose coming and going is told on the
   * topic
   */
  constructor(kind: 'counted' | 'user', store: RedisStore, lease: Lease, index: Holdings) {
    this.#kind = kind;
    this.#store = store;
    this.#lease = lease;
    this.#index = index;
  }

  /**
   * `applied` is called once Redis has it, before anything else happens. Rejects with BrokerUnavailable, and then it is
   * undone.
   */
  add(topic: string, socketId: string, applied?: (counted: Counted) => void): Promise<Counted> {
    const entry = this.#entryOf(topic);
    const added = !entry.sockets.has(socketId);
    entry.sockets.add(socketId);
    return this.#change(entry, true, applied, () => {
      if (added) entry.sockets.delete(socketId);
    });
  }

  /** Where it rejects, Redis is told as soon as it can be. */
  async remove(topic: string, socketId: string): Promise<Counted> {
    const entry = this.#entryOf(topic);
    entry.sockets.delete(socketId);
    return this.#change(entry, false, undefined, () => undefined);
  }

  has(topic: string): boolean {
    return (this.#entries.get(topic)?.sockets.size ?? 0) > 0;
  }

  /** Writes everything under the present incarnation. */
  async rewrite(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (let at = 0; at < entries.length; at += REWRITTEN_AT_ONCE) {
      await Promise.all(entries.slice(at, at + REWRITTEN_AT_ONCE).map((entry) => this.#rewriteOne(entry)));
    }
  }

  /** Removes what an incarnation has under a topic; true where nothing is left there. */
  async bury(topic: string, incarnation: string): Promise<boolean> {
    const [before, after] = await this.#write(topic, incarnation, 0, []);
    return before > 0 && after === 0;
  }

  async #rewriteOne(entry: Entry): Promise<void> {
    const done = deferred<Counted>();
    entry.waiting.push({ present: undefined, applied: undefined, done, cancelled: false });
    void this.#run(entry);
    await done.promise;
  }

  #entryOf(topic: string): Entry {
    let entry = this.#entries.get(topic);
    if (entry === undefined) {
      entry = { topic, sockets: new Set(), written: 0, incarnation: '', waiting: [], running: false };
      this.#entries.set(topic, entry);
    }
    return entry;
  }

  async #change(
    entry: Entry,
    present: boolean,
    applied: ((counted: Counted) => void) | undefined,
    undo: () => void,
  ): Promise<Counted> {
    const waiter: Waiter = { present, applied, done: deferred<Counted>(), cancelled: false };
    entry.waiting.push(waiter);
    void this.#run(entry);
    const timer = setTimeout(() => {
      waiter.cancelled = true;
      undo();
      waiter.done.reject(unavailable('is away'));
    }, this.#store.settings.acceptTimeoutSeconds * 1000);
    try {
      return await waiter.done.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(entry: Entry): Promise<void> {
    if (entry.running) return;
    entry.running = true;
    let waiting: Waiter[] = [];
    try {
      while (this.#isBehind(entry)) {
        const incarnation = await this.#index.claim(this.#kind, entry.topic);
        waiting = entry.waiting.filter(({ cancelled }) => !cancelled);
        entry.waiting = [];
        const count = entry.sockets.size;
        const [before, after] = await this.#write(entry.topic, incarnation, count, this.#lease.former, entry.written);
        entry.written = count;
        entry.incarnation = incarnation;
        settle(waiting, before, after);
      }
      if (entry.sockets.size === 0) {
        this.#entries.delete(entry.topic);
        this.#index.release(this.#kind, entry.topic);
      }
    } catch (error) {
      // Only a fault of this program or the end of it comes here: whatever else is tried until it succeeds.
      for (const { done } of [...waiting, ...entry.waiting]) done.reject(error);
      entry.waiting = [];
      this.#store.logger.debug({ err: error }, 'entries are no longer written');
    } finally {
      entry.running = false;
    }
  }

  #isBehind(entry: Entry): boolean {
    if (entry.waiting.some(({ cancelled }) => !cancelled) || entry.written !== entry.sockets.size) return true;
    return entry.sockets.size > 0 && entry.incarnation !== this.#lease.incarnation;
  }

  /** Gives the totals before and after. */
  async #write(
    topic: string,
    incarnation: string,
    count: number,
    former: readonly string[],
    written = 0,
  ): Promise<[number, number]> {
    const isChannel = this.#kind === 'counted';
    let uncertain = false;
    const { before, after } = await this.#store.run(
      SET_COUNT,
      topic,
      (retried) => {
        uncertain = retried;
        const listed = isChannel ? channelOf(topic) : '';
        return [incarnation, count, listed, isChannel ? '0' : '1', ...former] as const;
      },
      UNTIL_DONE,
    );
    // An earlier try may have been carried out: then Redis's "before" is after it.
    return [uncertain ? Math.max(0, after - count + written) : before, after];
  }
}

/** The one change that turned the total is the first that came, or the last that went. */
function settle(waiting: readonly Waiter[], before: number, after: number): void {
  const live = waiting.filter(({ cancelled }) => !cancelled);
  const opener = before === 0 && after > 0 ? live.find(({ present }) => present === true) : undefined;
  const closer = before > 0 && after === 0 ? live.findLast(({ present }) => present === false) : undefined;
  for (const waiter of live) {
    const counted = { turned: waiter === opener || waiter === closer, total: after };
    waiter.applied?.(counted);
    waiter.done.resolve(counted);
  }
}
