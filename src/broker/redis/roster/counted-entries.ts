import type { FactKind, WantsFact } from '../../../core/contracts/outbox.ts';
import { appIdOf, channelOf, watchedUserOf } from '../../../core/contracts/topic.ts';
import type { LeasedEntries } from '../lease/leased-entries.ts';
import type { NodeEntries } from '../lease/node-entries.ts';
import { type Change, type Reconciled, Reconciler, type ReconcilerOptions } from '../lease/reconciler.ts';
import { SET_COUNT } from '../scripts/counts.ts';
import { wantedOf } from '../scripts/outbox.ts';
import { inBatches } from '../wire/batches.ts';
import { type Deferred, deferred } from '../wire/deferred.ts';
import { settledWithin } from '../wire/settled-within.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';
import { unavailable } from '../wire/trouble.ts';

/** What is counted: a channel's subscriptions, or a user's signed-in connections, which watchers are told of. */
export type CountedKind = 'subscriptions' | 'sign-ins';

/** How many there are in the whole cluster. */
type Total = number;

interface CountChange extends Change {
  readonly socketId: string;
  readonly admit?: ((total: Total) => void) | undefined;
  readonly done: Deferred<Total>;
}

const FACTS_OF: Readonly<Record<CountedKind, readonly FactKind[]>> = Object.freeze({
  subscriptions: ['channel_occupied', 'channel_vacated'],
  'sign-ins': ['user_online', 'user_offline'],
});
const TOPICS_AT_ONCE = 200;

/**
 * How many sockets this node has under each topic, told to Redis as one number of the node's: many changes at once are
 * one write, and a write may be repeated.
 */
export class CountedEntries implements LeasedEntries {
  readonly #kind: CountedKind;
  readonly #store: RedisStore;
  readonly #node: NodeEntries;
  readonly #wants: WantsFact;
  readonly #topics = new Map<string, CountedTopic>();

  constructor(kind: CountedKind, store: RedisStore, node: NodeEntries, wants: WantsFact) {
    this.#kind = kind;
    this.#store = store;
    this.#node = node;
    this.#wants = wants;
    node.add(kind, this);
  }

  /**
   * `admit` is called as soon as Redis has it, before anything else happens. Rejects with BrokerUnavailable; then it is
   * undone.
   */
  add(topic: string, socketId: string, admit?: (total: Total) => void): Promise<Total> {
    return this.#of(topic).add(socketId, admit);
  }

  /** If it rejects, Redis is told as soon as it can be. */
  remove(topic: string, socketId: string): Promise<Total> {
    return this.#of(topic).remove(socketId);
  }

  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  rewrite(): Promise<void> {
    return inBatches([...this.#topics.values()], TOPICS_AT_ONCE, (topic) => topic.catchUp());
  }

  async bury(topic: string, incarnation: string): Promise<void> {
    await this.#write(topic, incarnation, 0, []);
  }

  #of(topic: string): CountedTopic {
    let counted = this.#topics.get(topic);
    if (counted === undefined) {
      counted = new CountedTopic({
        reconciler: this.#node.under(this.#kind, topic),
        acceptMs: this.#store.settings.acceptTimeoutSeconds * 1000,
        write: (incarnation, count) => this.#write(topic, incarnation, count, this.#node.lease.former),
        empty: () => {
          this.#topics.delete(topic);
          this.#node.release(this.#kind, topic);
        },
      });
      this.#topics.set(topic, counted);
    }
    return counted;
  }

  #write(topic: string, incarnation: string, count: number, former: readonly string[]): Promise<Total> {
    const appId = appIdOf(topic);
    const isChannel = this.#kind === 'subscriptions';
    const channel = isChannel ? channelOf(topic) : undefined;
    const userId = isChannel ? '' : watchedUserOf(topic);
    const wanted = wantedOf(this.#wants, FACTS_OF[this.#kind], appId, channel);
    const args = [appId, channel ?? '', userId, wanted, incarnation, count, ...former] as const;
    return this.#store.run(SET_COUNT, topic, args, UNTIL_DONE);
  }
}

interface CountedContext {
  readonly reconciler: Omit<ReconcilerOptions, 'atOnce'>;
  readonly acceptMs: number;
  readonly write: (incarnation: string, count: number) => Promise<Total>;
  /** Nothing is left of it, neither here nor in Redis. */
  readonly empty: () => void;
}

class CountedTopic implements Reconciled<CountChange, Total> {
  readonly #context: CountedContext;
  readonly #reconciler: Reconciler<CountChange, Total>;
  /** What shall be: each socket, and the change that brings it until Redis has that. */
  readonly #sockets = new Map<string, CountChange | undefined>();
  /** What Redis was told last, and under which incarnation. */
  #written = 0;
  #incarnation = '';

  constructor(context: CountedContext) {
    this.#context = context;
    this.#reconciler = new Reconciler(this, { ...context.reconciler, atOnce: Number.POSITIVE_INFINITY });
  }

  add(socketId: string, admit: CountChange['admit']): Promise<Total> {
    const change: CountChange = { socketId, done: deferred<Total>(), admit };
    if (!this.#sockets.has(socketId)) this.#sockets.set(socketId, change);
    return this.#settled(change, () => {
      if (this.#sockets.get(socketId) === change) this.#sockets.delete(socketId);
    });
  }

  remove(socketId: string): Promise<Total> {
    this.#sockets.delete(socketId);
    return this.#settled({ socketId, done: deferred<Total>() }, () => undefined);
  }

  catchUp(): Promise<void> {
    return this.#reconciler.catchUp();
  }

  isBehind(incarnation: string): boolean {
    if (this.#written !== this.#sockets.size) return true;
    return this.#written > 0 && this.#incarnation !== incarnation;
  }

  async write(incarnation: string, changes: readonly CountChange[]): Promise<Total[]> {
    const count = this.#sockets.size;
    const total = await this.#context.write(incarnation, count);
    this.#written = count;
    this.#incarnation = incarnation;
    return changes.map(() => total);
  }

  take(change: CountChange, total: Total): void {
    const { socketId } = change;
    // All that its caller had for it is free from now on.
    if (this.#sockets.get(socketId) === change) this.#sockets.set(socketId, undefined);
    change.admit?.(total);
    change.done.resolve(total);
  }

  rest(): void {
    if (this.#sockets.size === 0) this.#context.empty();
  }

  /** A change that was given up leaves Redis behind, if Redis has it: then it is written once more. */
  #settled(change: CountChange, undo: () => void): Promise<Total> {
    this.#reconciler.add(change);
    return settledWithin(change.done.promise, this.#context.acceptMs, () => {
      this.#reconciler.giveUp(change);
      undo();
      throw unavailable('is away');
    });
  }
}
