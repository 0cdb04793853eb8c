import { MAX_REVOCATIONS, type Revocations, type Revoked, revokedName } from '../../../core/contracts/revocations.ts';
import { topicOf } from '../../../core/contracts/topic.ts';
import { sha256 } from '../../../protocol/signatures.ts';
import { REVOKE, REVOKED_AT } from '../scripts/revocations.ts';
import type { RedisStore } from '../wire/store.ts';
import { PARTS, partOf } from './parts.ts';

/** Revocations that hold on all nodes. Names are kept as digests. */
export class RedisRevocations implements Revocations {
  readonly #store: RedisStore;
  readonly #mostOfPart: number;

  constructor(store: RedisStore, most = MAX_REVOCATIONS) {
    this.#store = store;
    this.#mostOfPart = Math.ceil(most / PARTS);
  }

  async revoke(appId: string, revoked: Revoked, untilMs: number): Promise<void> {
    const name = sha256(revokedName(revoked));
    const args = [name, Math.floor(Date.now() / 1000), Math.ceil(untilMs), this.#mostOfPart] as const;
    const forgotten = await this.#store.run(REVOKE, placeOf(appId, name), args, this.#store.patience());
    if (forgotten === 0) return;
    const fields = { appId, forgotten, most: this.#mostOfPart * PARTS };
    this.#store.logger.warn(fields, 'a revocation was forgotten before its token has ended');
  }

  async revokedAt(appId: string, revoked: Revoked): Promise<number | undefined> {
    const name = sha256(revokedName(revoked));
    const at = await this.#store.run(REVOKED_AT, placeOf(appId, name), [name], this.#store.patience());
    return at === 0 ? undefined : at;
  }
}

/** No client can name such a channel, so the keys are nobody else's. */
function placeOf(appId: string, name: string): string {
  return topicOf(appId, `#revoked-${partOf(name)}`);
}
