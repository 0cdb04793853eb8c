import type { Logger } from '../../../core/contracts/logger.ts';
import type { WantsFact } from '../../../core/contracts/outbox.ts';
import type { NodeEntries } from '../lease/node-entries.ts';
import type { RedisStore } from '../wire/store.ts';

/** What a channel needs of the node. */
export interface PresenceContext<Channel> {
  readonly store: RedisStore;
  readonly node: NodeEntries;
  readonly logger: Logger;
  readonly acceptMs: number;
  readonly wants: WantsFact;
  /** To this node's subscribers. */
  deliver(topic: string, frame: string): void;
  /** Changes were missed. */
  follow(channel: Channel): void;
  /** A member that is here has been removed by somebody else. */
  suspect(channel: Channel): void;
  /** Nothing is left of it here. */
  empty(channel: Channel): void;
}
