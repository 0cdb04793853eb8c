import type { Member } from '../../../core/contracts/roster.ts';
import { channelOf } from '../../../core/contracts/topic.ts';
import { CHANGE_MEMBERS, type ChangedMembers } from '../scripts/members.ts';
import { encodeAdded } from '../scripts/messages.ts';
import type { Argument } from '../scripts/step.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';

export interface MemberOperation {
  readonly socketId: string;
  readonly purpose: 'enter' | 'leave' | 'rewrite';
  /** Unless it leaves. */
  readonly member: Member | undefined;
  /** 0: no limit. */
  readonly maxMembers: number;
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
  return store.run(
    CHANGE_MEMBERS,
    topic,
    (retried) => [channelOf(topic), incarnation, wantsMembers ? '1' : '0', retried ? '1' : '0', ...described] as const,
    UNTIL_DONE,
  );
}

function describe({ purpose, socketId, member, maxMembers }: MemberOperation): Argument[] {
  if (purpose === 'leave' || member === undefined) return ['L', socketId, '', '', '', ''];
  const { userId, info } = member;
  return ['E', socketId, userId, info ?? '', encodeAdded(userId, info), maxMembers];
}
