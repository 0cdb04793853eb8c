import type { Member } from '../../../core/contracts/roster.ts';
import type { MemberChange } from '../scripts/messages.ts';

export interface ViewOutcome {
  /** The members are others now: subscribers are to be told. */
  readonly changed: boolean;
  /** A change before this one never came. */
  readonly missed: boolean;
}

export interface MemberDifference {
  readonly added: readonly Member[];
  readonly removed: readonly string[];
}

/**
 * Who is in a presence channel as this node's subscribers have been told: changed by what the topic brings, in its
 * order.
 */
export class MemberView {
  readonly #members: Map<string, Member>;
  #version: number;

  constructor(version: number, members: Iterable<Member>) {
    this.#version = version;
    this.#members = new Map(Array.from(members, (member) => [member.userId, member]));
  }

  /** Number of the last change that is in it. */
  get version(): number {
    return this.#version;
  }

  members(): Member[] {
    return [...this.#members.values()];
  }

  /** @param keep says that a user whose going is told is known to be here all the same */
  apply(change: MemberChange, keep: (userId: string) => boolean): ViewOutcome {
    if (change.version <= this.#version) return { changed: false, missed: false };
    const missed = change.previous !== this.#version;
    this.#version = change.version;
    return { changed: this.#change(change, keep), missed };
  }

  /** Takes over what Redis says, and what came after it; gives what subscribers have to be told to follow. */
  follow(
    version: number,
    members: Iterable<Member>,
    later: readonly MemberChange[],
    keep: (userId: string) => boolean,
  ): MemberDifference {
    const target = new MemberView(version, members);
    for (const change of later) target.apply(change, () => false);
    const removed = [...this.#members.keys()].filter((userId) => !target.#members.has(userId) && !keep(userId));
    const added = [...target.#members.values()].filter(({ userId }) => !this.#members.has(userId));
    for (const userId of removed) this.#members.delete(userId);
    for (const member of added) this.#members.set(member.userId, member);
    this.#version = target.#version;
    return { added, removed };
  }

  #change(change: MemberChange, keep: (userId: string) => boolean): boolean {
    const { userId, info } = change;
    if (change.kind === 'removed') return !keep(userId) && this.#members.delete(userId);
    if (this.#members.has(userId)) return false;
    this.#members.set(userId, { userId, info });
    return true;
  }
}
