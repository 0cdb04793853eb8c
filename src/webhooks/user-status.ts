import { setTimeout as delay } from 'node:timers/promises';
import type { AppRegistry } from '../core/contracts/app.ts';
import { type Broker, BrokerUnavailable } from '../core/contracts/broker.ts';
import type { Logger } from '../core/contracts/logger.ts';
import { type Fact, type Outbox, type OutboxReader, PAGE_FACTS } from '../core/contracts/outbox.ts';
import { topicOf } from '../core/contracts/topic.ts';
import type { UserStatuses } from '../core/contracts/user-status.ts';
import { encodeEvent } from '../protocol/frames.ts';
import { Debounce } from './debounce.ts';
import type { Telling } from './telling.ts';

export interface UserStatusDependencies {
  readonly apps: AppRegistry;
  readonly outbox: Outbox;
  readonly statuses: UserStatuses;
  readonly broker: Broker;
  /** For so long a user may be gone, as over the reload of a page, without anyone being told. */
  readonly graceSeconds: number;
  readonly logger: Logger;
}

export const USER_STATUS_EVENT = 'user.status.changed';

const POLL_MS = 100;
const RETRY_MS = 500;

/**
 * Tells who comes online and who has been gone for a while, on the channels that the user's sign-in named. It reads the
 * outbox as webhooks do: one node tells each change, and what a node that died has not finished is another's.
 */
export class UserStatusTeller {
  readonly #deps: UserStatusDependencies;
  readonly #debounce: Debounce;
  readonly #inHand = new Map<string, Telling>();
  /** What is under way for a user comes before what follows. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #reader: OutboxReader | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(dependencies: UserStatusDependencies) {
    this.#deps = dependencies;
    this.#debounce = new Debounce(dependencies.graceSeconds * 1000, {
      pass: (telling) => this.#inTurn(telling, () => this.#tell(telling)),
      drop: (telling) => this.#inTurn(telling, () => this.#finish(telling)),
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** What is not told is left to the other nodes. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all(this.#turns.values());
    await this.#reader?.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const found = await this.#readSome();
      if (found === 0) await Promise.allSettled([delay(POLL_MS, undefined, { signal, ref: false })]);
    }
  }

  async #readSome(): Promise<number> {
    if (this.#reader === undefined) {
      if (this.#deps.apps.all().every(({ statusChannels }) => statusChannels.length === 0)) return 0;
      this.#reader = this.#deps.outbox.reader('user-status');
    }
    try {
      const begunMs = performance.now();
      const facts = await this.#reader.next();
      for (const fact of facts) this.#take(fact);
      this.#debounce.release(begunMs, facts.length < PAGE_FACTS);
      return facts.length;
    } catch (error) {
      if (error instanceof BrokerUnavailable) this.#deps.logger.debug({ err: error }, 'user statuses wait for Redis');
      else this.#deps.logger.error({ err: error }, 'facts for user statuses could not be read');
      return 0;
    }
  }

  #take(fact: Fact): void {
    const known = this.#inHand.get(fact.id);
    if (known !== undefined) {
      // Given again after it was in doubt who is to tell it.
      known.fact = fact;
      return;
    }
    const telling: Telling = { fact, open: 1 };
    this.#inHand.set(fact.id, telling);
    this.#debounce.take(telling);
  }

  #inTurn(telling: Telling, act: () => Promise<void>): void {
    const { appId, userId = '' } = telling.fact;
    const key = `${appId}/${userId}`;
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(act).catch((error: unknown) => {
      this.#deps.logger.error({ err: error, appId }, 'a user status could not be told');
    });
    this.#turns.set(key, turn);
    void turn.then(() => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    });
  }

  async #tell(telling: Telling): Promise<void> {
    const { statuses, broker, apps } = this.#deps;
    const { appId, userId, kind } = telling.fact;
    const isStatus = kind === 'user_online' || kind === 'user_offline';
    const app = apps.findById(appId);
    if (userId === undefined || !isStatus || app === undefined || app.statusChannels.length === 0) {
      await this.#finish(telling);
      return;
    }
    const online = kind === 'user_online';
    while (!this.#stopping.signal.aborted) {
      const { fact } = telling;
      if (this.#reader?.holds(fact) !== true) {
        // Given again, it begins anew; unless that has happened already.
        if (this.#inHand.get(fact.id) === telling) this.#inHand.delete(fact.id);
        return;
      }
      try {
        const channels = await statuses.change(appId, userId, { online, atMs: fact.atMs, factId: fact.id });
        const at = new Date(fact.atMs).toISOString();
        const data = JSON.stringify({ userId, status: online ? 'online' : 'offline', at });
        const messages = (channels ?? []).map((channel) => ({
          topic: topicOf(appId, channel),
          frame: encodeEvent(USER_STATUS_EVENT, channel, data),
          durable: true,
          onceId: fact.id,
        }));
        if (messages.length > 0) await broker.publish(messages);
        await this.#finish(telling);
        return;
      } catch (error) {
        if (!(error instanceof BrokerUnavailable)) throw error;
        await delay(RETRY_MS);
      }
    }
  }

  async #finish({ fact }: Telling): Promise<void> {
    this.#inHand.delete(fact.id);
    await this.#reader?.done([fact]);
  }
}
