import type { NewFact, Outbox, OutboxBacklog, OutboxReader, WantsFact } from '../../../core/contracts/outbox.ts';
import { topicOf, watchTopic } from '../../../core/contracts/topic.ts';
import { COUNT_FACTS, WRITE_FACTS } from '../scripts/outbox.ts';
import type { RedisStore } from '../wire/store.ts';
import { RedisOutboxReader } from './redis-outbox-reader.ts';

/** Facts in a stream for each bucket; what comes of a change of the roster is written by the script that makes it. */
export class RedisOutbox implements Outbox {
  readonly outlivesNode = true;
  readonly #store: RedisStore;
  readonly wants: WantsFact;

  constructor(store: RedisStore, wants: WantsFact) {
    this.#store = store;
    this.wants = wants;
  }

  async write(facts: readonly NewFact[]): Promise<void> {
    // Not sent twice, as then the fact would be there twice.
    const effort = { ...this.#store.patience(), repeatable: false };
    await Promise.all(
      facts.map(async ({ kind, appId, channel, userId, detail }) => {
        if (!this.wants(kind, appId, channel)) return;
        const topic = channel === undefined ? watchTopic(appId, userId ?? '') : topicOf(appId, channel);
        const args = [appId, kind, kind, channel ?? '', userId ?? '', detail ?? ''] as const;
        await this.#store.run(WRITE_FACTS, topic, args, effort);
      }),
    );
  }

  async backlog(): Promise<OutboxBacklog> {
    const counts = await this.#store.runOnBuckets(COUNT_FACTS, '', [], this.#store.patience());
    return {
      facts: counts.reduce((sum, { facts }) => sum + facts, 0),
      oldestSeconds: counts.reduce((most, { oldestMs }) => Math.max(most, oldestMs), 0) / 1000,
    };
  }

  reader(name: string): OutboxReader {
    return new RedisOutboxReader(name, this.#store);
  }
}
