import { CHANGES, CLOCK } from './changes.ts';
import { readList, readNumber, readPairs, readText, readTexts } from './replies.ts';
import { command, script } from './step.ts';

/** A member as a presence channel's hash has it: `info` is the JSON of `user_info`. */
export interface StoredMember {
  readonly userId: string;
  readonly info: string | undefined;
}

const MEMBERS = `${CHANGES}
local function split(text)
  local space = string.find(text, ' ', 1, true)
  return string.sub(text, 1, space - 1), string.sub(text, space + 1)
end
local function remove(socketId)
  local entry = redis.call('HGET', sockets, socketId)
  if not entry then return nil end
  redis.call('HDEL', sockets, socketId)
  local _, userId = split(entry)
  local member = redis.call('HGET', members, userId)
  if not member then return userId end
  local connections, info = split(member)
  if tonumber(connections) > 1 then
    redis.call('HSET', members, userId, (tonumber(connections) - 1) .. ' ' .. info)
    return nil
  end
  redis.call('HDEL', members, userId)
  change('-', userId)
  return userId
end
local function list(name)
  local count = redis.call('HLEN', sockets)
  if count == 0 then
    redis.call('HDEL', occupied, name)
    redis.call('DEL', version)
  else
    redis.call('HSET', occupied, name, count .. ' ' .. redis.call('HLEN', members))
  end
  return count
end
`;

const KEYS = ['sockets', 'members', 'version', 'channel', 'occupied'] as const;

/** Outcomes of one operation of CHANGE_MEMBERS. */
export interface ChangedMembers {
  readonly full: boolean;
  /** Subscriptions of the channel before and after. */
  readonly before: number;
  readonly after: number;
  /** Number of the last change of members after it. */
  readonly version: number;
}

/**
 * Enters and leaves of a presence channel, in their order. `wantsMembers`: '1' to give the members too; `retried`: '1'
 * if an earlier try may have been carried out. Then for each operation: 'E', socket id, user id, info, told, limit of
 * members or 0 (told: what the topic is told of a new member); or 'L', socket id, '', '', '', ''. Gives an outcome for
 * each.
 */
export const CHANGE_MEMBERS = script({
  keys: KEYS,
  args: ['name', 'incarnation', 'wantsMembers', 'retried', '...operations'],
  lua: `${MEMBERS}
local outcomes = {}
for at = 1, #operations, 6 do
  local isEnter, socketId = operations[at] == 'E', operations[at + 1]
  local known = redis.call('HEXISTS', sockets, socketId)
  local before = redis.call('HLEN', sockets)
  if retried == '1' then before = isEnter and before - known or before + 1 - known end
  local full = 0
  if not isEnter then
    remove(socketId)
  elseif known == 1 then
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
        redis.call('HSET', members, userId, '1 ' .. info)
        change('+', operations[at + 4])
      end
    end
  end
  outcomes[#outcomes + 1] = {full, before, redis.call('HLEN', sockets), redis.call('GET', version) or '0'}
end
list(name)
return {outcomes, wantsMembers == '1' and redis.call('HGETALL', members)}
`,
  read: (reply) => {
    const [outcomes, members] = readList(reply);
    return {
      outcomes: readList(outcomes).map((outcome): ChangedMembers => {
        const [full, before, after, version] = readList(outcome);
        return {
          full: readNumber(full) === 1,
          before: readNumber(before),
          after: readNumber(after),
          version: Number(readText(version)),
        };
      }),
      members: members === null ? undefined : membersOf(members),
    };
  },
});

/**
 * Removes what a dead incarnation has in a presence channel. Gives the subscriptions before and after, and who has
 * gone.
 */
export const REMOVE_MEMBERS_OF = script({
  keys: KEYS,
  args: ['name', 'incarnation'],
  lua: `${MEMBERS}
local entries = redis.call('HGETALL', sockets)
local gone = {}
for at = 1, #entries, 2 do
  if split(entries[at + 1]) == incarnation then
    local userId = remove(entries[at])
    if userId then gone[#gone + 1] = userId end
  end
end
return {#entries / 2, list(name), gone}
`,
  read: (reply) => {
    const [before, after, gone] = readList(reply);
    return { before: readNumber(before), after: readNumber(after), removed: readTexts(gone) };
  },
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
