import { LOG_SCRIPTS } from './log-scripts.ts';
import { type Script, script } from './script.ts';

/**
 * Numbers the changes of a topic. They grow by time as well as by one, so that a Redis that has lost some, or all,
 * never gives a number again. A change is told with the number before it, so that a node notices one it has missed.
 */
const CHANGES = `
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function change(versionKey, publish, channel, kind, tail)
  local previous = redis.call('GET', versionKey) or '0'
  local version = string.format('%.0f', math.max(clock(), tonumber(previous) + 1))
  redis.call('SET', versionKey, version)
  redis.call(publish, channel, kind .. previous .. ' ' .. version .. ' ' .. tail)
  return version
end
local function sum(key)
  local total = 0
  for _, count in ipairs(redis.call('HVALS', key)) do total = total + tonumber(count) end
  return total
end
`;

/**
 * How many an incarnation has under a topic: idempotent, as the count is told and not its change.
 * KEYS n, v, t, i. ARGV: PUBLISH or SPUBLISH, incarnation, count, the channel to list or '', '1' to tell on the topic
 * when the first comes and the last goes, then incarnations that this one replaces. Gives the totals before and after.
 */
export const SET_COUNT = script(`${CHANGES}
local before = sum(KEYS[1])
for index = 6, #ARGV do redis.call('HDEL', KEYS[1], ARGV[index]) end
if ARGV[3] == '0' then redis.call('HDEL', KEYS[1], ARGV[2]) else redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end
local after = sum(KEYS[1])
if ARGV[4] ~= '' then
  if after == 0 then redis.call('HDEL', KEYS[4], ARGV[4]) else redis.call('HSET', KEYS[4], ARGV[4], after .. ' 0') end
end
if ARGV[5] == '1' then
  if before == 0 and after > 0 then
    change(KEYS[2], ARGV[1], KEYS[3], '!', '1')
  elseif before > 0 and after == 0 then
    change(KEYS[2], ARGV[1], KEYS[3], '!', '0')
    redis.call('DEL', KEYS[2])
  end
end
return {before, after}
`);

/** Whether a user is online, and as of which change. KEYS n, v. */
export const READ_ONLINE = script(`${CHANGES}
return {redis.call('EXISTS', KEYS[1]), redis.call('GET', KEYS[2]) or string.format('%.0f', clock())}
`);

const MEMBERS = `${CHANGES}
local sockets, members, version, channel, index = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local publish = ARGV[1]
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
  change(version, publish, channel, '-', userId)
  return userId
end
local function list(name)
  local count = redis.call('HLEN', sockets)
  if count == 0 then
    redis.call('HDEL', index, name)
    redis.call('DEL', version)
  else
    redis.call('HSET', index, name, count .. ' ' .. redis.call('HLEN', members))
  end
  return count
end
`;

/**
 * Enters and leaves of a presence channel, in their order.
 * KEYS s, m, v, t, i. ARGV: PUBLISH or SPUBLISH, channel, incarnation, '1' to give the members too, '1' where an
 * earlier try may have been carried out, then for each: 'E', socket id, user id, info, told, limit of members or 0
 * (told: what the topic is told of a new member); or 'L', socket id, '', '', '', ''. Gives for each: whether it is in
 * or was removed (2: the channel is full), subscriptions before and after, number of the last change; and last, where
 * asked for, the members as `HGETALL m` does.
 */
export const CHANGE_MEMBERS = script(`${MEMBERS}
local name, incarnation, retried = ARGV[2], ARGV[3], ARGV[5] == '1'
local replies = {}
for at = 6, #ARGV, 6 do
  local socketId = ARGV[at + 1]
  local known = redis.call('HEXISTS', sockets, socketId)
  local before = redis.call('HLEN', sockets)
  if retried and ARGV[at] == 'E' then before = before - known end
  if retried and ARGV[at] == 'L' then before = before + 1 - known end
  local outcome = 1
  if ARGV[at] == 'L' then
    remove(socketId)
    outcome = known
  elseif known == 1 then
    redis.call('HSET', sockets, socketId, incarnation .. ' ' .. ARGV[at + 2])
  else
    local userId, info, limit = ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 5])
    local member = redis.call('HGET', members, userId)
    if not member and limit > 0 and redis.call('HLEN', members) >= limit then
      outcome = 2
    else
      redis.call('HSET', sockets, socketId, incarnation .. ' ' .. userId)
      if member then
        local connections, first = split(member)
        redis.call('HSET', members, userId, (tonumber(connections) + 1) .. ' ' .. first)
      else
        redis.call('HSET', members, userId, '1 ' .. info)
        change(version, publish, channel, '+', ARGV[at + 4])
      end
    end
  end
  replies[#replies + 1] = outcome
  replies[#replies + 1] = before
  replies[#replies + 1] = redis.call('HLEN', sockets)
  replies[#replies + 1] = redis.call('GET', version) or '0'
end
list(name)
if ARGV[4] == '1' then replies[#replies + 1] = redis.call('HGETALL', members) end
return replies
`);

/**
 * Removes what a dead incarnation has in a presence channel. KEYS s, m, v, t, i. ARGV: PUBLISH or SPUBLISH, channel,
 * incarnation. Gives the subscriptions before and after, then the users that have gone.
 */
export const REMOVE_MEMBERS_OF = script(`${MEMBERS}
local entries = redis.call('HGETALL', sockets)
local replies = {#entries / 2, 0}
for at = 1, #entries, 2 do
  local incarnation = split(entries[at + 1])
  if incarnation == ARGV[3] then
    local userId = remove(entries[at])
    if userId then replies[#replies + 1] = userId end
  end
end
replies[2] = list(ARGV[2])
return replies
`);

/**
 * The occupied channels of an app. KEYS i, of some buckets. ARGV: prefix of the names. Gives name, `subscriptions
 * users` and so on.
 */
export const READ_CHANNELS = script(`
local prefix, found = ARGV[1], {}
for _, key in ipairs(KEYS) do
  local listed = redis.call('HGETALL', key)
  for at = 1, #listed, 2 do
    if string.sub(listed[at], 1, #prefix) == prefix then
      found[#found + 1] = listed[at]
      found[#found + 1] = listed[at + 1]
    end
  end
end
return found
`);

/** The members and the number of the last change. KEYS m, v. */
export const READ_MEMBERS = script(`${CHANGES}
return {redis.call('GET', KEYS[2]) or string.format('%.0f', clock()), redis.call('HGETALL', KEYS[1])}
`);

/**
 * Renews a lease and looks after those that have ended.
 * KEYS l, d. ARGV: incarnation, lease in milliseconds, '1' to begin the lease, '1' to look after the others, then
 * incarnations that this one replaces. Gives whether the lease stands, then dead incarnations that this node is to
 * remove the entries of: for the length of a lease, no other node is asked to.
 */
export const RENEW_LEASE = script(`${CHANGES}
local now = math.floor(clock() / 1000)
local stands = 0
if ARGV[3] == '1' or redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  stands = 1
end
for index = 5, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[index])
  redis.call('ZADD', KEYS[2], 'NX', now, ARGV[index])
end
local replies = {stands}
if ARGV[4] == '1' then
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - 1, 'LIMIT', 0, 10)) do
    redis.call('ZREM', KEYS[1], dead)
    redis.call('ZADD', KEYS[2], 'NX', now, dead)
  end
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 10)) do
    redis.call('ZADD', KEYS[2], now + ARGV[2], dead)
    replies[#replies + 1] = dead
  end
end
return replies
`);

/**
 * Takes items off the list of what a node holds, unless they have been listed anew. KEYS h. ARGV: item, number of its
 * listing, and so on.
 */
export const TAKE_OFF_LIST = script(`
for at = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[at]) == ARGV[at + 1] then redis.call('HDEL', KEYS[1], ARGV[at]) end
end
return 1
`);

/**
 * Admits as many new connections as a limit leaves room for. KEYS n. ARGV: incarnation, how many it has, how many more
 * it asks for, limit or 0, then incarnations that this one replaces. Gives how many more it has now.
 */
export const TAKE_PLACES = script(`${CHANGES}
for index = 5, #ARGV do redis.call('HDEL', KEYS[1], ARGV[index]) end
local others = sum(KEYS[1]) - tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local has, more, limit = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if limit > 0 then more = math.max(0, math.min(more, limit - others - has)) end
if has + more == 0 then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], has + more) end
return more
`);

/**
 * Takes from an app's allowance for the present second of Redis's clock: what is asked for and, where there is plenty,
 * a tenth of the rest, so that a busy node asks rarely. KEYS w. ARGV: asked for, limit. Gives what was taken (0: not
 * even what was asked for is left) and for how many milliseconds it is good.
 */
export const TAKE_ALLOWANCE = script(`
local time = redis.call('TIME')
local goodFor = 1000 - math.floor(tonumber(time[2]) / 1000)
local asked, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local window = redis.call('HMGET', KEYS[1], 'second', 'taken')
local taken = window[1] == time[1] and tonumber(window[2]) or 0
local rest = limit - taken
local take = math.max(asked, math.floor(rest / 10))
if asked > rest and taken > 0 then return {0, goodFor} end
redis.call('HSET', KEYS[1], 'second', time[1], 'taken', taken + take)
redis.call('PEXPIRE', KEYS[1], 2000)
return {take, goodFor}
`);

export const ALL_SCRIPTS: readonly Script[] = Object.freeze([
  SET_COUNT,
  READ_ONLINE,
  CHANGE_MEMBERS,
  REMOVE_MEMBERS_OF,
  READ_CHANNELS,
  READ_MEMBERS,
  RENEW_LEASE,
  TAKE_OFF_LIST,
  TAKE_PLACES,
  TAKE_ALLOWANCE,
  ...LOG_SCRIPTS,
]);
