import { setTimeout as delay } from 'node:timers/promises';
import type { AppRegistry } from '../core/contracts/app.ts';
import { type Broker, BrokerUnavailable } from '../core/contracts/broker.ts';
import type { Current } from '../core/contracts/current.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Outbox } from '../core/contracts/outbox.ts';
import { topicOf } from '../core/contracts/topic.ts';
import type { UserStatuses } from '../core/contracts/user-status.ts';
import { encodeEvent } from '../protocol/frames.ts';
import { FactFeed } from './fact-feed.ts';
import type { Telling } from './telling.ts';

export interface UserStatusDependencies {
  readonly apps: AppRegistry;
  readonly outbox: Outbox;
  readonly statuses: UserStatuses;
  readonly broker: Broker;
  /** For so long a user may be gone, as over the reload of a page, without anyone being told. */
  readonly graceSeconds: Current<number>;
  readonly logger: Logger;
}

const USER_STATUS_EVENT = 'user.status.changed';

const RETRY_MS = 500;

/**
 * Tells who comes online and who has been gone for a while, on the channels that the user's sign-in named. It reads the
 * outbox as webhooks do: one node tells each change, and what a node that died has not finished is another's.
 */
export class UserStatusTeller {
  readonly #deps: UserStatusDependencies;
  readonly #feed: FactFeed;
  /** What is under way for a user comes before what follows. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(dependencies: UserStatusDependencies) {
    this.#deps = dependencies;
    const { apps, outbox, graceSeconds, logger } = dependencies;
    this.#feed = new FactFeed({
      ...{ outbox, graceSeconds, logger, name: 'user-status', what: 'user statuses' },
      isWanted: () => apps.all().some(({ statusChannels }) => statusChannels.length > 0),
      outlet: {
        pass: (telling) => this.#inTurn(telling, () => this.#tell(telling)),
        drop: (telling) => this.#inTurn(telling, () => this.#finish(telling)),
      },
    });
  }

  start(): void {
    this.#feed.start();
  }

  /** What is not told is left to the other nodes. */
  async stop(): Promise<void> {
    await this.#feed.stop();
    await Promise.all(this.#turns.values());
    await this.#feed.close();
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
    while (!this.#feed.isStopping) {
      const { fact } = telling;
      if (!this.#feed.holds(telling)) return;
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

  async #finish(telling: Telling): Promise<void> {
    this.#feed.putDown(telling);
    await this.#feed.done([telling.fact]);
  }
}
