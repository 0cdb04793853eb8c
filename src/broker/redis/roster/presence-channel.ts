import type { Entered, Member, RosterEntry } from '../../../core/contracts/roster.ts';
import { channelOf } from '../../../core/contracts/topic.ts';
import { encodeMemberAdded, encodeMemberRemoved } from '../../../protocol/frames.ts';
import { type Change, type Reconciled, Reconciler } from '../lease/reconciler.ts';
import { type ChangedMembers, READ_MEMBERS } from '../scripts/members.ts';
import type { MemberChange } from '../scripts/messages.ts';
import { type Deferred, deferred } from '../wire/deferred.ts';
import { settledWithin } from '../wire/settled-within.ts';
import { unavailable } from '../wire/trouble.ts';
import { LocalMembers } from './local-members.ts';
import { MemberView } from './member-view.ts';
import { changeMembers, type MemberOperation } from './member-writes.ts';
import type { PresenceContext } from './presence-context.ts';

/** Something that Redis is to be told of one socket. */
type SocketChange = Enter | Leave;

interface Enter extends Change {
  readonly socketId: string;
  readonly member: Member;
  readonly maxMembers: number;
  readonly admit: (entered: Entered) => void;
  readonly done: Deferred<void>;
}

interface Leave extends Change {
  readonly socketId: string;
  readonly member: undefined;
  readonly done: Deferred<number>;
}

const AT_ONCE = 100;

/**
 * This node's part of one presence channel: its sockets, what Redis has still to be told of them, and its view of the
 * members.
 */
export class PresenceChannel implements Reconciled<SocketChange, ChangedMembers> {
  readonly topic: string;
  readonly #context: PresenceContext<PresenceChannel>;
  readonly #reconciler: Reconciler<SocketChange, ChangedMembers>;
  /** Whom Redis has, as far as is known. */
  readonly #local = new LocalMembers();
  /** The incarnation that their entries bear, but for those that have yet to be written under it. */
  #incarnation = '';
  readonly #unwritten = new Set<string>();
  /** Enters that Redis has taken, in their order, until this node's view of the members has come as far. */
  readonly #arriving = new Map<Enter, ChangedMembers>();
  #view: MemberView | undefined;
  /** Changes that came while Redis was asked for the members. */
  #later: MemberChange[] | undefined;
  #following = false;

  constructor(topic: string, context: PresenceContext<PresenceChannel>) {
    this.topic = topic;
    this.#context = context;
    this.#reconciler = new Reconciler(this, { ...context.node.under('members', topic), atOnce: AT_ONCE });
  }

  async enter(entry: RosterEntry, member: Member, admit: (entered: Entered) => void): Promise<void> {
    const { acceptMs } = this.#context;
    const { socketId, maxMembers = 0 } = entry;
    const enter: Enter = { socketId, member, maxMembers, admit, done: deferred<void>() };
    this.#reconciler.add(enter);
    try {
      await settledWithin(enter.done.promise, acceptMs, () => this.#giveUp(enter));
    } finally {
      this.#forgetIfEmpty();
    }
  }

  /** If it rejects, Redis is told as soon as it can be. */
  leave(socketId: string): Promise<number> {
    return settledWithin(this.#remove(socketId), this.#context.acceptMs, () => {
      throw unavailable('is away');
    });
  }

  /** A change that the topic brought. */
  change(change: MemberChange): void {
    this.#later?.push(change);
    if (this.#view === undefined) {
      this.#tell(change);
      return;
    }
    // Only a node that took this one for dead removes a member that is here.
    const isWrong = change.kind === 'removed' && this.#local.hasUser(change.userId, change.version);
    const { changed, missed } = this.#view.apply(change, () => isWrong);
    if (changed) this.#tell(change);
    // While somebody is here, each change has one before it, unless Redis has lost its data.
    if (isWrong || (missed && change.previous === 0)) this.#context.suspect(this);
    else if (missed) this.#context.follow(this);
    this.#admitArrived();
  }

  /**
   * Brings the view, and this node's subscribers, to what Redis has: after messages may have been missed.
   * @param removals whether a member that Redis does not have is gone: not while other nodes are still writing theirs
   *   again, after Redis has lost its data
   */
  async follow(removals: () => boolean): Promise<void> {
    const { store } = this.#context;
    const view = this.#view;
    if (view === undefined || this.#following) return;
    this.#following = true;
    this.#later = [];
    try {
      const { version, members } = await store.run(READ_MEMBERS, this.topic, [], store.patience());
      if (this.#view !== view) return;
      const keepsAll = !removals();
      const { added, removed } = view.follow(
        version,
        members,
        this.#later,
        (userId) => keepsAll || this.#local.hasUser(userId),
      );
      const channel = channelOf(this.topic);
      for (const userId of removed) this.#context.deliver(this.topic, encodeMemberRemoved(channel, userId));
      for (const { userId, info } of added) {
        this.#context.deliver(this.topic, encodeMemberAdded(channel, userId, info));
      }
      this.#admitArrived();
    } finally {
      this.#following = false;
      this.#later = undefined;
    }
  }

  /** Writes the sockets' entries under the present incarnation. */
  catchUp(): Promise<void> {
    return this.#reconciler.catchUp();
  }

  isBehind(incarnation: string): boolean {
    return this.#unwritten.size > 0 || (this.#local.size > 0 && this.#incarnation !== incarnation);
  }

  /** With the changes go entries that bear an ended incarnation. */
  async write(incarnation: string, changes: readonly SocketChange[]): Promise<readonly ChangedMembers[]> {
    if (incarnation !== this.#incarnation) {
      this.#incarnation = incarnation;
      for (const socketId of this.#local.socketIds()) this.#unwritten.add(socketId);
    }
    const operations: MemberOperation[] = [...changes];
    for (const socketId of this.#unwritten) {
      if (operations.length >= changes.length + AT_ONCE) break;
      this.#unwritten.delete(socketId);
      const member = this.#local.get(socketId);
      if (member !== undefined) operations.push({ socketId, member });
    }
    const wantsMembers = this.#view === undefined;
    if (wantsMembers) this.#later = [];
    const { outcomes, members } = await changeMembers(
      this.#context.store,
      this.topic,
      incarnation,
      operations,
      wantsMembers,
      this.#context.wants,
    );
    if (members !== undefined) this.#begin(members, outcomes);
    return outcomes.slice(0, changes.length);
  }

  take(change: SocketChange, outcome: ChangedMembers): void {
    if (change.member === undefined) {
      // Its enter may have been taken after it was asked for.
      this.#local.delete(change.socketId);
      change.done.resolve(outcome.subscriptionCount);
    } else if (outcome.full) {
      change.admit({ outcome: 'full' });
      change.done.resolve();
    } else {
      this.#local.add(change.socketId, change.member, outcome.version);
      this.#arriving.set(change, outcome);
      this.#admitArrived();
    }
  }

  rest(): void {
    this.#forgetIfEmpty();
  }

  #remove(socketId: string): Promise<number> {
    this.#local.delete(socketId);
    this.#unwritten.delete(socketId);
    const leave: Leave = { socketId, member: undefined, done: deferred<number>() };
    this.#reconciler.add(leave);
    return leave.done.promise;
  }

  /** What may have been carried out, or may yet be, is undone. */
  #giveUp(enter: Enter): never {
    this.#arriving.delete(enter);
    if (this.#reconciler.giveUp(enter)) {
      this.#remove(enter.socketId).catch((error: unknown) => {
        this.#context.logger.debug({ err: error, topic: this.topic }, 'a join that was given up could not be undone');
      });
    }
    throw unavailable('is away');
  }

  #begin(members: readonly Member[], outcomes: readonly ChangedMembers[]): void {
    const later = this.#later ?? [];
    this.#later = undefined;
    if (this.#view !== undefined) return;
    const view = new MemberView(outcomes.at(-1)?.version ?? 0, members);
    for (const change of later) view.apply(change, () => false);
    this.#view = view;
  }

  /** Admits those whose entering the view has come to: what the topic brings from now on is news to them. */
  #admitArrived(): void {
    const view = this.#view;
    if (view === undefined) return;
    for (const [enter, outcome] of this.#arriving) {
      if (view.version < outcome.version) break;
      this.#arriving.delete(enter);
      try {
        enter.admit({
          outcome: 'entered',
          subscriptionCount: outcome.subscriptionCount,
          members: view.members(),
        });
        enter.done.resolve();
      } catch (error) {
        enter.done.reject(error);
      }
    }
  }

  #tell(change: MemberChange): void {
    const channel = channelOf(this.topic);
    const { userId, info } = change;
    const frame =
      change.kind === 'added' ? encodeMemberAdded(channel, userId, info) : encodeMemberRemoved(channel, userId);
    this.#context.deliver(this.topic, frame);
  }

  #forgetIfEmpty(): void {
    if (this.#reconciler.resting && this.#local.size === 0 && this.#arriving.size === 0) this.#context.empty(this);
  }
}
