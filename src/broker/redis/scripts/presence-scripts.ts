import type { Member } from '../../../core/contracts/roster.ts';
import { appIdOf, channelOf } from '../../../core/contracts/topic.ts';
import { bucketOf } from '../wire/keys.ts';
import type { Argument } from '../wire/link.ts';
import { encodeAdded } from '../wire/messages.ts';
import type { RedisStore } from '../wire/store.ts';
import { CHANGE_MEMBERS, READ_MEMBERS, REMOVE_MEMBERS_OF } from './scripts.ts';

export interface MemberOperation {
  readonly socketId: string;
  readonly purpose: 'enter' | 'leave' | 'rewrite';
  /** Unless it leaves. */
  readonly member: Member | undefined;
  /** 0: no limit. */
  readonly maxMembers: number;
}

export interface ChangedMembers {
  readonly full: boolean;
  /** Subscriptions of the channel before and after. */
  readonly before: number;
  readonly after: number;
  /** Number of the last change of members after it. */
  readonly version: number;
}

const UNTIL_DONE = Object.freeze({ deadline: Number.POSITIVE_INFINITY, repeatable: true });
const VALUES_PER_OPERATION = 4;

/** Carries operations out in their order, in one step, as often as it takes. */
export async function changeMembers(
  store: RedisStore,
  topic: string,
  incarnation: string,
  operations: readonly MemberOperation[],
  wantsMembers: boolean,
): Promise<{ outcomes: ChangedMembers[]; members: Member[] | undefined }> {
  const described = operations.flatMap(describe);
  const reply = await store.script(
    CHANGE_MEMBERS,
    bucketOf(topic),
    keysOf(store, topic),
    (retried) => [
      store.publishCommand,
      channelOf(topic),
      incarnation,
      wantsMembers ? '1' : '0',
      retried ? '1' : '0',
      ...described,
    ],
    UNTIL_DONE,
  );
  const values = listOf(reply);
  const outcomes = operations.map((_, index) => {
    const [outcome, before, after, version] = values.slice(
      index * VALUES_PER_OPERATION,
      (index + 1) * VALUES_PER_OPERATION,
    );
    return { full: outcome === 2, before: Number(before), after: Number(after), version: Number(version) };
  });
  const members = wantsMembers ? readHash(values[operations.length * VALUES_PER_OPERATION]) : undefined;
  return { outcomes, members };
}

/** The members, and the number of the last change that is in them. */
export async function readMembers(store: RedisStore, topic: string): Promise<{ version: number; members: Member[] }> {
  const bucket = bucketOf(topic);
  const keys = [store.keys.key(bucket, 'm', topic), store.keys.key(bucket, 'v', topic)];
  const [version, members] = listOf(await store.script(READ_MEMBERS, bucket, keys, [], store.patience()));
  return { version: Number(version), members: readHash(members) };
}

/** Removes what an incarnation has; each removal is told on the topic once, whoever else removes too. */
export async function removeMembersOf(
  store: RedisStore,
  topic: string,
  incarnation: string,
): Promise<{ vacated: boolean; removed: string[] }> {
  const reply = await store.script(
    REMOVE_MEMBERS_OF,
    bucketOf(topic),
    keysOf(store, topic),
    [store.publishCommand, channelOf(topic), incarnation],
    UNTIL_DONE,
  );
  const [before, after, ...removed] = listOf(reply);
  return { vacated: Number(before) > 0 && after === 0, removed: removed.map(String) };
}

function keysOf(store: RedisStore, topic: string): string[] {
  const bucket = bucketOf(topic);
  const { keys } = store;
  return [
    keys.key(bucket, 's', topic),
    keys.key(bucket, 'm', topic),
    keys.key(bucket, 'v', topic),
    keys.key(bucket, 't', topic),
    keys.key(bucket, 'i', appIdOf(topic)),
  ];
}

function describe({ purpose, socketId, member, maxMembers }: MemberOperation): Argument[] {
  if (purpose === 'leave' || member === undefined) return ['L', socketId, '', '', '', ''];
  const { userId, info } = member;
  return ['E', socketId, userId, info ?? '', encodeAdded(userId, info), maxMembers];
}

function listOf(reply: unknown): unknown[] {
  if (!Array.isArray(reply)) throw new Error('Redis gave members in another form');
  return reply as unknown[];
}

/** `HGETALL` of user id -> `connections info`. */
function readHash(value: unknown): Member[] {
  const flat = listOf(value);
  const members: Member[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const stored = String(flat[at + 1]);
    const info = stored.slice(stored.indexOf(' ') + 1);
    members.push({ userId: String(flat[at]), info: info === '' ? undefined : info });
  }
  return members;
}
