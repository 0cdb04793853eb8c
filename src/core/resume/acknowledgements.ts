import type { Connection } from '../connection/connection.ts';
import type { JoinedChannel, Resumable } from '../connection/resumable.ts';
import type { Position } from '../contracts/position.ts';
import type { LoggedTopics } from '../delivery/logged-topics.ts';

/** A page that has begun to close its socket is done with it long before this. */
const PROVEN_AFTER_MS = 2000;

/**
 * Up to where resumable clients have received. Pings carry the node's count of deliveries, and every WebSocket stack
 * echoes a ping's payload: a client acknowledges without knowing of it.
 */
export class Acknowledgements {
  readonly #logged: LoggedTopics;

  constructor(logged: LoggedTopics) {
    this.#logged = logged;
  }

  /** What a ping to this connection carries. */
  pingPayload(resumable: Resumable): string {
    resumable.pingedCount = this.#logged.count;
    return String(resumable.pingedCount);
  }

  /** Asks for an acknowledgement if there is something to acknowledge. */
  ask({ resumable, closed, socket }: Connection): void {
    if (resumable === undefined || resumable.superseded || closed || !this.#hasUnasked(resumable)) return;
    socket.ping(this.pingPayload(resumable));
  }

  /** A pong has come back with the count that a ping carried. */
  received(resumable: Resumable, payload: string): void {
    const count = Number(payload);
    // A client can only have received what it was asked about.
    if (!(count > resumable.acknowledgedCount && count <= resumable.pingedCount)) return;
    resumable.acknowledgedCount = count;
    const nowMs = Date.now();
    if (nowMs - resumable.unproven.atMs < PROVEN_AFTER_MS) return;
    resumable.provenCount = resumable.unproven.count;
    resumable.unproven = { count, atMs: nowMs };
  }

  /**
   * The client has closed the connection. A browser answers pings while its page's socket is already closing, and
   * drops what it receives then: only what was acknowledged some time before counts.
   */
  closedByClient(resumable: Resumable): void {
    const { provenCount, unproven } = resumable;
    resumable.acknowledgedCount = Date.now() - unproven.atMs < PROVEN_AFTER_MS ? provenCount : unproven.count;
  }

  /** Up to where the client has surely received on a channel. */
  position(resumable: Resumable, joined: JoinedChannel): Position {
    if (resumable.acknowledgedCount < joined.joinedCount) return joined.resumedFrom;
    const known = this.#logged.positionAt(joined.topic, resumable.acknowledgedCount);
    if (known === undefined) return joined.joinedAt;
    return known.epoch === joined.joinedAt.epoch && known.offset < joined.joinedAt.offset ? joined.joinedAt : known;
  }

  #hasUnasked(resumable: Resumable): boolean {
    if (this.#logged.count === resumable.pingedCount) return false;
    for (const { topic, joinedCount } of resumable.joined.values()) {
      const { pingedCount } = resumable;
      if (joinedCount > pingedCount || this.#logged.hasDeliveredSince(topic, pingedCount)) return true;
    }
    return false;
  }
}
