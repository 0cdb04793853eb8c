import { CHANGES, CLOCK } from './changes.ts';
import { FACTS } from './outbox.ts';
import { readList, readNumber, readPairs, readText, readTexts } from './replies.ts';
import { command, script } from './step.ts';

/** A member as a presence channel's hash has it: `info` is the JSON of `user_info`. */
export interface StoredMember {
  readonly userId: string;
  readonly info: string | undefined;
}

/** For scripts with the keys KEYS and the arguments `app`, `name` and `wanted`. `list` comes last in each. */
const MEMBERS = `${CHANGES}${FACTS}
local wasOccupied = redis.call('HEXISTS', occupied, name) == 1
local happened = {}
local function split(text)
  local space = string.find(text, ' ', 1, true)
  return string.sub(text, 1, space - 1), string.sub(text, space + 1)
end
local function add(userId, info, told)
  redis.call('HSET', members, userId, '1 ' .. info)
  change('+', told)
  happened[#happened + 1] = {'member_added', userId}
end
local function remove(socketId)
  local entry = redis.call('HGET', sockets, socketId)
  if not entry then return end
  redis.call('HDEL', sockets, socketId)
  local _, userId = split(entry)
  local member = redis.call('HGET', members, userId)
  if not member then return end
  local connections, info = split(member)
  if tonumber(connections) > 1 then
    redis.call('HSET', members, userId, (tonumber(connections) - 1) .. ' ' .. info)
  else
    redis.call('HDEL', members, userId)
    change('-', userId)
    happened[#happened + 1] = {'member_removed', userId}
  end
end
local function list()
  local count = redis.call('HLEN', sockets)
  if count > 0 and not wasOccupied then tell('channel_occupied', name, '', '') end
  for _, fact in ipairs(happened) do tell(fact[1], name, fact[2], '') end
  if count == 0 then
    redis.call('HDEL', occupied, name)
    redis.call('DEL', version)
    if wasOccupied then tell('channel_vacated', name, '', '') end
  else
    redis.call('HSET', occupied, name, count .. ' ' .. redis.call('HLEN', members))
  end
end
`;

const KEYS = ['sockets', 'members', 'version', 'channel', 'occupied', 'facts', 'outbox'] as const;

/** Outcomes of one operation of CHANGE_MEMBERS. */
export interface ChangedMembers {
  readonly full: boolean;
  /** Subscriptions of the channel after it. */
  readonly subscriptionCount: number;
  /** Number of the last change of members after it. */
  readonly version: number;
}

/**
 * Enters and leaves of a presence channel, in their order. `wantsMembers`: '1' to give the members too. Then for each
 * operation: 'enter', socket id, user id, info, told, limit of members or 0 (told: what the topic is told of a new
 * member); or 'leave', socket id, '', '', '', ''. Gives an outcome for each. May be repeated.
 */
export const CHANGE_MEMBERS = script({
  keys: KEYS,
  args: ['app', 'name', 'wanted', 'incarnation', 'wantsMembers', '...operations'],
  lua: `${MEMBERS}
local outcomes = {}
for at = 1, #operations, 6 do
  local socketId, full = operations[at + 1], 0
  if operations[at] == 'leave' then
    remove(socketId)
  elseif redis.call('HEXISTS', sockets, socketId) == 1 then
    redis.call('HSET', sockets, socketId, incarnation .. ' ' .. operations[at + 2])
  else
    local userId, info, limit = operations[at + 2], operations[at + 3], tonumber(operations[at + 5])
    local member = redis.call('HGET', members, userId)
    if not member and limit > 0 and redis.call('HLEN', members) >= limit then
      full = 1
    else
      redis.call('HSET', sockets, socketId, incarnation .. ' ' .. userId)
      if member then
        local connections, first = split(member)
        redis.call('HSET', members, userId, (tonumber(connections) + 1) .. ' ' .. first)
      else
        add(userId, info, operations[at + 4])
      end
    end
  end
  outcomes[#outcomes + 1] = {full, redis.call('HLEN', sockets), redis.call('GET', version) or '0'}
end
list()
return {outcomes, wantsMembers == '1' and redis.call('HGETALL', members)}
`,
  read: (reply) => {
    const [outcomes, members] = readList(reply);
    return {
      outcomes: readList(outcomes).map((outcome): ChangedMembers => {
        const [full, subscriptionCount, version] = readList(outcome);
        return {
          full: readNumber(full) === 1,
          subscriptionCount: readNumber(subscriptionCount),
          version: Number(readText(version)),
        };
      }),
      members: members === null ? undefined : membersOf(members),
    };
  },
});

/**
 * Removes some of what a dead incarnation has in a presence channel: as much as is found in one step of a scan, so that
 * a large channel holds nobody up. Gives the cursor to go on with, '0' at the end. May be repeated.
 */
export const REMOVE_MEMBERS_OF = script({
  keys: KEYS,
  args: ['app', 'name', 'wanted', 'incarnation', 'cursor', 'count'],
  lua: `${MEMBERS}
local scanned = redis.call('HSCAN', sockets, cursor, 'COUNT', count)
local entries = scanned[2]
for at = 1, #entries, 2 do
  if split(entries[at + 1]) == incarnation then remove(entries[at]) end
end
list()
return scanned[1]
`,
  read: readText,
});

/** The members, and the number of the last change that is in them. */
export const READ_MEMBERS = script({
  keys: ['members', 'version'],
  args: [],
  lua: `${CLOCK}
return {redis.call('GET', version) or string.format('%.0f', clock()), redis.call('HGETALL', members)}
`,
  read: (reply) => {
    const [version, members] = readList(reply);
    return { version: Number(readText(version)), members: membersOf(members) };
  },
});

export const READ_USER_IDS = command('HKEYS', 'members', [], readTexts);

/** `HGETALL` of user id -> `connections info`. */
function membersOf(reply: unknown): StoredMember[] {
  return readPairs(reply).map(([userId, stored]) => {
    const info = stored.slice(stored.indexOf(' ') + 1);
    return { userId, info: info === '' ? undefined : info };
  });
}
