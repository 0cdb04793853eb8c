import type { Member } from '../../../core/contracts/roster.ts';
import { channelOf } from '../../../core/contracts/topic.ts';
import { CHANGE_MEMBERS, type ChangedMembers, REMOVE_MEMBERS_OF } from '../scripts/members.ts';
import { encodeAdded } from '../scripts/messages.ts';
import type { Argument } from '../scripts/step.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';

const SCANNED_AT_ONCE = 500;

export interface MemberOperation {
  readonly socketId: string;
  /** Who enters; undefined if the socket leaves. */
  readonly member: Member | undefined;
  /** 0 or left out: no limit. */
  readonly maxMembers?: number;
}

/** Carries operations out in their order, in one step, as often as it takes. */
export function changeMembers(
  store: RedisStore,
  topic: string,
  incarnation: string,
  operations: readonly MemberOperation[],
  wantsMembers: boolean,
): Promise<{ outcomes: ChangedMembers[]; members: Member[] | undefined }> {
  const described = operations.flatMap(describe);
  const args = [channelOf(topic), incarnation, wantsMembers ? '1' : '0', ...described] as const;
  return store.run(CHANGE_MEMBERS, topic, args, UNTIL_DONE);
}

/** Removes what a dead incarnation has; each member that goes with it is told on the topic once. */
export async function removeMembersOf(store: RedisStore, topic: string, incarnation: string): Promise<void> {
  let cursor = '0';
  do {
    const args = [channelOf(topic), incarnation, cursor, SCANNED_AT_ONCE] as const;
    cursor = await store.run(REMOVE_MEMBERS_OF, topic, args, UNTIL_DONE);
  } while (cursor !== '0');
}

function describe({ socketId, member, maxMembers = 0 }: MemberOperation): Argument[] {
  if (member === undefined) return ['leave', socketId, '', '', '', ''];
  const { userId, info } = member;
  return ['enter', socketId, userId, info ?? '', encodeAdded(userId, info), maxMembers];
}
