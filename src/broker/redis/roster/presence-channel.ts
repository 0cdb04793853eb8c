import type { Entered, Left, Member, RosterEntry } from '../../../core/contracts/roster.ts';
import { channelOf } from '../../../core/contracts/topic.ts';
import { encodeMemberAdded, encodeMemberRemoved } from '../../../protocol/frames.ts';
import { type ChangedMembers, READ_MEMBERS } from '../scripts/members.ts';
import type { MemberChange } from '../scripts/messages.ts';
import { type Deferred, deferred } from '../wire/deferred.ts';
import { unavailable } from '../wire/trouble.ts';
import { MemberView } from './member-view.ts';
import { changeMembers, type MemberOperation } from './member-writes.ts';
import type { PresenceContext } from './presence-context.ts';

/** Something that Redis is to be told of one socket. */
interface Operation extends MemberOperation {
  /** `rewrite`: the socket is in already, and its entry is lost or bears an old incarnation. */
  readonly purpose: 'enter' | 'leave' | 'rewrite';
  readonly admit?: (entered: Entered) => void;
  readonly entered?: Deferred<void>;
  readonly left?: Deferred<Left>;
  /** Where the join began in the recording. */
  readonly recordedFrom: number;
  sent: boolean;
  cancelled: boolean;
}

/** An enter that Redis has taken, until this node's view of the members has come as far. */
interface Arriving {
  readonly operation: Operation;
  readonly outcome: ChangedMembers;
}

const OPERATIONS_AT_ONCE = 100;

/**
 * This node's part of one presence channel: its sockets, what Redis has still to be told of them, and its view of the
 * members.
 */
export class PresenceChannel {
  readonly topic: string;
  readonly #context: PresenceContext<PresenceChannel>;
  /** Sockets that Redis has, each with the number of the last change when it entered. */
  readonly #sockets = new Map<string, { readonly member: Member; readonly version: number }>();
  #queue: Operation[] = [];
  readonly #arriving = new Set<Arriving>();
  #view: MemberView | undefined;
  /** Changes that came while Redis was asked for the members. */
  #later: MemberChange[] | undefined;
  #running = false;
  #following = false;

  constructor(topic: string, context: PresenceContext<PresenceChannel>) {
    this.topic = topic;
    this.#context = context;
  }

  async enter(entry: RosterEntry, member: Member, admit: (entered: Entered) => void): Promise<void> {
    const { recordings, acceptMs } = this.#context;
    const recordedFrom = recordings.begin(this.topic);
    const entered = deferred<void>();
    const operation: Operation = {
      ...{ purpose: 'enter', socketId: entry.socketId, member, maxMembers: entry.maxMembers ?? 0 },
      ...{ admit, entered, recordedFrom, sent: false, cancelled: false },
    };
    this.#add(operation);
    const timer = setTimeout(() => this.#cancel(operation), acceptMs);
    try {
      await entered.promise;
    } finally {
      clearTimeout(timer);
      recordings.end(this.topic);
      this.#tidy();
    }
  }

  async leave(socketId: string): Promise<Left> {
    this.#sockets.delete(socketId);
    const left = deferred<Left>();
    this.#add({ ...operationOf('leave', socketId, undefined), left });
    const timer = setTimeout(() => left.reject(unavailable('is away')), this.#context.acceptMs);
    try {
      return await left.promise;
    } finally {
      clearTimeout(timer);
      this.#tidy();
    }
  }

  /** A change that the topic brought. */
  change(change: MemberChange): void {
    this.#later?.push(change);
    this.#context.recordings.change(this.topic, change.version);
    if (this.#view === undefined) {
      this.#tell(change);
      return;
    }
    // Nobody but a node that took this one for dead removes a member that is here.
    const isWrong = change.kind === 'removed' && this.#isHere(change.userId, change.version);
    const { changed, missed } = this.#view.apply(change, () => isWrong);
    if (changed) this.#tell(change);
    // Nor is there a change without one before it while somebody is here, unless Redis has forgotten.
    if (isWrong || (missed && change.previous === 0)) this.#context.suspect(this);
    else if (missed) this.#context.follow(this);
    this.#admitArrived();
  }

  /**
   * Brings the view, and this node's subscribers, to what Redis has: after messages may have been missed.
   * @param removals whether who is not there is gone: not where Redis has lost its data and other nodes are still
   *   writing
   */
  async follow(removals: () => boolean): Promise<void> {
    const view = this.#view;
    if (view === undefined || this.#following) return;
    this.#following = true;
    this.#later = [];
    const { store } = this.#context;
    try {
      const { version, members } = await store.run(READ_MEMBERS, this.topic, [], store.patience());
      if (this.#view !== view) return;
      const keepsAll = !removals();
      const { added, removed } = view.follow(
        version,
        members,
        this.#later,
        (userId) => keepsAll || this.#isHere(userId),
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
  async rewrite(): Promise<void> {
    const written = this.#queueRewrite();
    void this.#run();
    await Promise.all(written);
  }

  #queueRewrite(): Promise<void>[] {
    return Array.from(this.#sockets, ([socketId, { member }]) => {
      const entered = deferred<void>();
      this.#queue.push({ ...operationOf('rewrite', socketId, member), entered });
      return entered.promise;
    });
  }

  #add(operation: Operation): void {
    this.#queue.push(operation);
    void this.#run();
  }

  #cancel(operation: Operation): void {
    operation.cancelled = true;
    operation.entered?.reject(unavailable('is away'));
    this.#sockets.delete(operation.socketId);
    for (const arriving of this.#arriving) if (arriving.operation === operation) this.#arriving.delete(arriving);
    // It may have been carried out, or yet be.
    if (operation.sent) this.#add(operationOf('leave', operation.socketId, undefined));
    else this.#queue = this.#queue.filter((other) => other !== operation);
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { index, lease, logger } = this.#context;
    let batch: Operation[] = [];
    try {
      while (this.#queue.length > 0) {
        const incarnation = await index.claim('members', this.topic);
        batch = this.#queue.splice(0, OPERATIONS_AT_ONCE).filter((operation) => this.#isDue(operation));
        if (batch.length === 0) continue;
        for (const operation of batch) operation.sent = true;
        const wantsMembers = this.#view === undefined;
        if (wantsMembers) this.#later = [];
        const reply = await changeMembers(this.#context.store, this.topic, incarnation, batch, wantsMembers);
        if (reply.members !== undefined) this.#begin(reply.members, reply.outcomes);
        for (const [at, operation] of batch.entries()) this.#done(operation, reply.outcomes[at]);
        this.#admitArrived();
        // What was just written bears the name of an incarnation that has ended meanwhile.
        if (incarnation !== lease.incarnation) void Promise.allSettled(this.#queueRewrite());
      }
    } catch (error) {
      // Only a fault of this program or the end of it comes here: whatever else is tried until it succeeds.
      for (const { entered, left } of [...batch, ...this.#queue.splice(0)]) {
        entered?.reject(error);
        left?.reject(error);
      }
      logger.debug({ err: error, topic: this.topic }, 'entries are no longer written');
    } finally {
      this.#running = false;
      this.#tidy();
    }
  }

  /** A socket that has left meanwhile must not be written again. */
  #isDue(operation: Operation): boolean {
    if (operation.purpose !== 'rewrite') return !operation.cancelled;
    const isIn = this.#sockets.has(operation.socketId);
    if (!isIn) operation.entered?.resolve();
    return isIn;
  }

  #begin(members: readonly Member[], outcomes: readonly ChangedMembers[]): void {
    const later = this.#later ?? [];
    this.#later = undefined;
    if (this.#view !== undefined) return;
    const view = new MemberView(outcomes.at(-1)?.version ?? 0, members);
    for (const change of later) view.apply(change, () => false);
    this.#view = view;
  }

  #done(operation: Operation, outcome: ChangedMembers | undefined): void {
    if (outcome === undefined) throw new Error('Redis has left a change of members unanswered');
    const { purpose, socketId, member } = operation;
    if (purpose === 'leave') {
      operation.left?.resolve({ vacated: outcome.before > 0 && outcome.after === 0, subscriptionCount: outcome.after });
    } else if (purpose === 'rewrite') {
      operation.entered?.resolve();
    } else if (operation.cancelled) {
      // Its leave is in the queue.
    } else if (outcome.full) {
      operation.admit?.({ outcome: 'full' });
      operation.entered?.resolve();
    } else if (member !== undefined) {
      this.#sockets.set(socketId, { member, version: outcome.version });
      this.#arriving.add({ operation, outcome });
    }
  }

  /** Admits those whose entering the view has come to: what the topic brings from now on is news to them. */
  #admitArrived(): void {
    const view = this.#view;
    if (view === undefined) return;
    for (const arriving of this.#arriving) {
      const { operation, outcome } = arriving;
      if (view.version < outcome.version) continue;
      this.#arriving.delete(arriving);
      const { socketId, recordedFrom } = operation;
      try {
        operation.admit?.({
          outcome: 'entered',
          occupied: outcome.before === 0,
          subscriptionCount: outcome.after,
          members: view.members(),
          missed: this.#context.recordings.since(this.topic, recordedFrom, socketId, outcome.version),
        });
        operation.entered?.resolve();
      } catch (error) {
        operation.entered?.reject(error);
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

  /** Whether a socket of the user is in, and was before a change. */
  #isHere(userId: string, before = Number.POSITIVE_INFINITY): boolean {
    for (const { member, version } of this.#sockets.values()) {
      if (member.userId === userId && version < before) return true;
    }
    return false;
  }

  #tidy(): void {
    if (this.#running || this.#sockets.size > 0 || this.#queue.length > 0 || this.#arriving.size > 0) return;
    this.#view = undefined;
    this.#context.index.release('members', this.topic);
    this.#context.empty(this);
  }
}

function operationOf(purpose: Operation['purpose'], socketId: string, member: Member | undefined): Operation {
  return { purpose, socketId, member, maxMembers: 0, recordedFrom: 0, sent: false, cancelled: false };
}
