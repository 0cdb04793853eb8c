import type { Member } from '../../../core/contracts/roster.ts';

interface LocalMember {
  readonly member: Member;
  /** Number of the last change of members when the socket entered. */
  readonly version: number;
}

/** The sockets of this node that are in a presence channel, by their ids and by their users. */
export class LocalMembers {
  readonly #sockets = new Map<string, LocalMember>();
  /** User id to the versions of the user's sockets. */
  readonly #users = new Map<string, Map<string, number>>();

  get size(): number {
    return this.#sockets.size;
  }

  socketIds(): Iterable<string> {
    return this.#sockets.keys();
  }

  get(socketId: string): Member | undefined {
    return this.#sockets.get(socketId)?.member;
  }

  add(socketId: string, member: Member, version: number): void {
    this.delete(socketId);
    this.#sockets.set(socketId, { member, version });
    let versions = this.#users.get(member.userId);
    if (versions === undefined) {
      versions = new Map();
      this.#users.set(member.userId, versions);
    }
    versions.set(socketId, version);
  }

  delete(socketId: string): void {
    const local = this.#sockets.get(socketId);
    if (local === undefined) return;
    this.#sockets.delete(socketId);
    const versions = this.#users.get(local.member.userId);
    versions?.delete(socketId);
    if (versions?.size === 0) this.#users.delete(local.member.userId);
  }

  /** Whether a socket of the user is in, and was before a change. */
  hasUser(userId: string, before = Number.POSITIVE_INFINITY): boolean {
    for (const version of this.#users.get(userId)?.values() ?? []) if (version < before) return true;
    return false;
  }
}
