import type { WantsFact } from '../../../core/contracts/outbox.ts';
import type { Member } from '../../../core/contracts/roster.ts';
import { appIdOf, channelOf } from '../../../core/contracts/topic.ts';
import { CHANGE_MEMBERS, type ChangedMembers, REMOVE_MEMBERS_OF } from '../scripts/members.ts';
import { encodeAdded } from '../scripts/messages.ts';
import { wantedOf } from '../scripts/outbox.ts';
import type { Argument } from '../scripts/step.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';

const SCANNED_AT_ONCE = 500;
const FACTS_OF_MEMBERS = ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed'] as const;

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
  wants: WantsFact,
): Promise<{ outcomes: ChangedMembers[]; members: Member[] | undefined }> {
  const described = operations.flatMap(describe);
  const args = [...headOf(topic, wants), incarnation, wantsMembers ? '1' : '0', ...described] as const;
  return store.run(CHANGE_MEMBERS, topic, args, UNTIL_DONE);
}

/** Removes what a dead incarnation has; each member that goes with it is told on the topic once. */
export async function removeMembersOf(
  store: RedisStore,
  topic: string,
  incarnation: string,
  wants: WantsFact,
): Promise<void> {
  let cursor = '0';
  do {
    const args = [...headOf(topic, wants), incarnation, cursor, SCANNED_AT_ONCE] as const;
    cursor = await store.run(REMOVE_MEMBERS_OF, topic, args, UNTIL_DONE);
  } while (cursor !== '0');
}

function headOf(topic: string, wants: WantsFact) {
  const [appId, channel] = [appIdOf(topic), channelOf(topic)];
  return [appId, channel, wantedOf(wants, FACTS_OF_MEMBERS, appId, channel)] as const;
}

function describe({ socketId, member, maxMembers = 0 }: MemberOperation): Argument[] {
  if (member === undefined) return ['leave', socketId, '', '', '', ''];
  const { userId, info } = member;
  return ['enter', socketId, userId, info ?? '', encodeAdded(userId, info), maxMembers];
}
