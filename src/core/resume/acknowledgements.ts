import type { Connection } from '../connection/connection.ts';
import type { JoinedChannel, Resumable } from '../connection/resumable.ts';
import type { Current } from '../contracts/current.ts';
import type { Position } from '../contracts/position.ts';
import type { LoggedTopics } from '../delivery/logged-topics.ts';

/** A page that has begun to close its socket is done with it long before this. */
const PROVEN_AFTER_MS = 2000;

/** One that is sent so many between two looks, about a second, is busy. */
const BUSY_DELIVERIES = 3;
/** So many that nobody has asked about are asked about once no more come. */
const BURST_DELIVERIES = 5;

/**
 * Up to where resumable clients have received. Pings carry the node's count of deliveries, and every WebSocket stack
 * echoes a ping's payload: a client acknowledges without knowing of it.
 */
export class Acknowledgements {
  readonly #logged: LoggedTopics;
  readonly #quietSeconds: Current<number>;
  /** Connections to be asked with the next delivery on a topic: the ping then costs no write of its own. */
  readonly #due = new Map<string, Set<Connection>>();

  /** @param quietSeconds after so long, one is asked who was sent but little */
  constructor(logged: LoggedTopics, quietSeconds: Current<number>) {
    this.#logged = logged;
    this.#quietSeconds = quietSeconds;
  }

  /** What a ping to this connection carries. */
  pingPayload(resumable: Resumable): string {
    resumable.pingedCount = resumable.last?.count ?? this.#logged.count;
    resumable.pingedMs = Date.now();
    return String(resumable.pingedCount);
  }

  /** What was counted last has not reached the client, and nothing will any more. */
  endBefore(resumable: Resumable): void {
    const count = this.#logged.count - 1;
    resumable.last ??= { count, positions: this.#positions(resumable, count) };
  }

  /**
   * Asks for the last acknowledgement of a connection that has left its topics: it is sent nothing after the present
   * count.
   *
   * @returns the count that its answer will carry; the one it has acknowledged if there is nothing more
   */
  askLast({ socket }: Connection, resumable: Resumable): number {
    const { count } = this.#logged;
    resumable.last ??= { count, positions: this.#positions(resumable, count) };
    const { acknowledgedCount } = resumable;
    if (!this.#hasDelivered(resumable, acknowledgedCount)) return acknowledgedCount;
    socket.ping(this.pingPayload(resumable));
    return resumable.pingedCount;
  }

  /** Asks for an acknowledgement if there is something to acknowledge. */
  ask(connection: Connection): void {
    const { resumable } = connection;
    if (resumable === undefined || !isAskable(connection, resumable)) return;
    if (this.#hasDelivered(resumable, resumable.pingedCount)) connection.socket.ping(this.pingPayload(resumable));
  }

  /**
   * To be called for each connection about once a second: asks a busy one then, and a quiet one seldom. Both with the
   * next delivery, or at the next call if none comes before.
   */
  attend(connection: Connection): void {
    const { resumable } = connection;
    if (resumable === undefined || !isAskable(connection, resumable)) return;
    const { pingedCount, pingedMs, attendedCount } = resumable;
    resumable.attendedCount = this.#logged.count;
    if (this.#logged.count === pingedCount) return;
    let deliveries = 0;
    let recent = 0;
    let most = 0;
    let busiest = '';
    for (const { topic, joinedCount } of resumable.joined.values()) {
      const here = this.#logged.deliveriesSince(topic, pingedCount) + (joinedCount > pingedCount ? 1 : 0);
      deliveries += here;
      recent += this.#logged.deliveriesSince(topic, Math.max(attendedCount, pingedCount));
      if (here > most) {
        most = here;
        busiest = topic;
      }
    }
    const isBusy = recent >= BUSY_DELIVERIES || (recent === 0 && deliveries >= BURST_DELIVERIES);
    const isQuietLong = deliveries > 0 && Date.now() - pingedMs >= this.#quietSeconds() * 1000;
    if (!isBusy && !isQuietLong && resumable.dueTopic === undefined) return;
    if (resumable.dueTopic !== undefined) {
      this.forget(connection, resumable);
      connection.socket.ping(this.pingPayload(resumable));
      return;
    }
    resumable.dueTopic = busiest;
    const due = this.#due.get(busiest);
    if (due === undefined) this.#due.set(busiest, new Set([connection]));
    else due.add(connection);
  }

  /** Something was just delivered on a topic. */
  delivered(topic: string): void {
    if (this.#due.size === 0) return;
    const due = this.#due.get(topic);
    if (due === undefined) return;
    this.#due.delete(topic);
    for (const connection of due) {
      const { resumable } = connection;
      if (resumable === undefined) continue;
      resumable.dueTopic = undefined;
      if (isAskable(connection, resumable)) connection.socket.ping(this.pingPayload(resumable));
    }
  }

  /** The connection is not to be asked with a delivery any more. */
  forget(connection: Connection, resumable: Resumable): void {
    const { dueTopic } = resumable;
    if (dueTopic === undefined) return;
    resumable.dueTopic = undefined;
    const due = this.#due.get(dueTopic);
    due?.delete(connection);
    if (due?.size === 0) this.#due.delete(dueTopic);
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
    const { acknowledgedCount, last } = resumable;
    if (acknowledgedCount < joined.joinedCount) return joined.resumedFrom;
    // The history is coarse, and goes on: what it knew of the last moment may be blurred by now.
    const atLast = acknowledgedCount === last?.count ? last.positions.get(joined.topic) : undefined;
    const known = atLast ?? this.#logged.positionAt(joined.topic, acknowledgedCount);
    if (known === undefined) return joined.joinedAt;
    return known.epoch === joined.joinedAt.epoch && known.offset < joined.joinedAt.offset ? joined.joinedAt : known;
  }

  /** Where the node stands on the topics that it has delivered nothing on after a count. */
  #positions({ joined }: Resumable, count: number): ReadonlyMap<string, Position> {
    const positions = new Map<string, Position>();
    for (const { topic } of joined.values()) {
      const position = this.#logged.position(topic);
      if (position !== undefined && !this.#logged.hasDeliveredSince(topic, count)) positions.set(topic, position);
    }
    return positions;
  }

  /** Whether the connection was sent anything after a count. */
  #hasDelivered({ joined }: Resumable, count: number): boolean {
    if (this.#logged.count === count) return false;
    for (const { topic, joinedCount } of joined.values()) {
      if (joinedCount > count || this.#logged.hasDeliveredSince(topic, count)) return true;
    }
    return false;
  }
}

function isAskable(connection: Connection, resumable: Resumable): boolean {
  return !connection.closed && !connection.isParting && !resumable.superseded;
}
