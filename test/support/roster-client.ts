import type { BrokerMessage } from '../../src/core/contracts/broker.ts';
import type { Entered, Member } from '../../src/core/contracts/roster.ts';
import { Recorder } from '../../src/core/delivery/recorder.ts';
import type { ContractNode } from './contract-cluster.ts';

interface Event {
  readonly event: string;
  readonly data: string;
}

/** A presence subscriber as a client sees it: it believes what it is told and complains of what makes no sense. */
export class RosterClient {
  readonly socketId: string;
  readonly member: Member;
  readonly topic: string;
  readonly #node: ContractNode;
  readonly #recorder = new Recorder();
  readonly members = new Set<string>();
  /** Other frames, in their order. */
  readonly frames: string[] = [];
  readonly complaints: string[] = [];
  /** Whom it was told to have gone. */
  readonly removals: string[] = [];
  joined = false;
  entered: Entered | undefined;

  constructor(node: ContractNode, topic: string, socketId: string, userId: string) {
    this.#node = node;
    this.topic = topic;
    this.socketId = socketId;
    this.member = { userId, info: JSON.stringify({ name: userId }) };
    const before = node.onDeliver;
    node.onDeliver = (message) => {
      before(message);
      this.#deliver(message);
    };
  }

  async join(maxMembers?: number): Promise<void> {
    const { topic, socketId, member } = this;
    await this.#node.broker.subscribe(topic);
    const recording = this.#recorder.begin(topic);
    await this.#node.roster.enter({ topic, socketId, member, maxMembers }, (entered) => {
      if (this.entered?.outcome === 'entered') this.complaints.push('was admitted twice');
      this.entered = entered;
      if (entered.outcome === 'full') return;
      this.members.clear();
      for (const { userId } of entered.members) {
        if (this.members.has(userId)) this.complaints.push(`${userId} is listed twice`);
        this.members.add(userId);
      }
      if (!this.members.has(member.userId)) this.complaints.push('is not in its own list');
      for (const message of recording.messages()) {
        if (message.memberChange !== true && message.exceptSocketId !== socketId) this.#take(message.frame);
      }
      this.joined = true;
    });
    recording.stop();
  }

  async leave(): Promise<void> {
    this.joined = false;
    this.entered = undefined;
    await this.#node.roster.leave(this.topic, this.socketId);
  }

  sorted(): string[] {
    return [...this.members].sort();
  }

  #deliver(message: BrokerMessage): void {
    this.#recorder.add(message);
    if (!this.joined || message.topic !== this.topic || message.exceptSocketId === this.socketId) return;
    this.#take(message.frame);
  }

  #take(frame: string): void {
    const parsed = JSON.parse(frame) as Event;
    if (parsed.event === 'pusher_internal:member_added') {
      const { user_id: userId } = JSON.parse(parsed.data) as { user_id: string };
      if (userId === this.member.userId) this.complaints.push('was told of itself');
      if (this.members.has(userId)) this.complaints.push(`${userId} was added twice`);
      this.members.add(userId);
    } else if (parsed.event === 'pusher_internal:member_removed') {
      const { user_id: userId } = JSON.parse(parsed.data) as { user_id: string };
      this.removals.push(userId);
      if (!this.members.delete(userId)) this.complaints.push(`${userId} was removed without being there`);
    } else {
      this.frames.push(frame);
    }
  }
}
