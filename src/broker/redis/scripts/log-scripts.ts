import { type Script, script } from './script.ts';

/**
 * A log is a stream whose ids are the offsets, and a hash `o` of what belongs to it: `e` its epoch, `o` the offset of
 * its last event, `f` that of the last one that is no longer kept, `n` how many are kept, `h` the offset of their
 * oldest, `b` their bytes, `a` the age in microseconds that somebody has asked for. Offsets are microseconds of the
 * clock where that has moved on, so that a Redis that has lost some of its last writes never gives one again.
 */
const LOG = `
local meta, stream, channel = KEYS[1], KEYS[2], KEYS[3]
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function text(number) return string.format('%.0f', number) end
local function begin(epoch)
  local now = text(clock())
  redis.call('DEL', stream)
  redis.call('HSET', meta, 'e', epoch, 'o', now, 'f', now, 'n', '0', 'h', '0', 'b', '0', 'a', '0')
end
-- The stream never goes before what says that it is there.
local function keepStream() redis.call('PEXPIRE', stream, redis.call('PTTL', meta) + 1000) end
local function keepFor(milliseconds)
  if redis.call('PTTL', meta) >= milliseconds then return end
  redis.call('PEXPIRE', meta, milliseconds)
  keepStream()
end
local function offsetOf(id) return tonumber(string.match(id, '^%d+')) end
`;

/**
 * Publishes a durable message, and logs it where its topic is logged, or is to be.
 * KEYS o, x, t, c. ARGV: PUBLISH or SPUBLISH, what stands before the frame, the frame, seconds to keep it as the last
 * event or 0, seconds to log it for though nobody keeps the log or 0, events, bytes and microseconds that a log may
 * hold, an epoch for a log that begins.
 */
export const PUBLISH_DURABLE: Script = script(`${LOG}
local publish, message = ARGV[1], ARGV[2] .. ARGV[3]
if ARGV[4] ~= '0' then redis.call('SET', KEYS[4], ARGV[3], 'EX', ARGV[4]) end
local known = redis.call('HMGET', meta, 'e', 'o', 'b', 'a', 'n', 'h')
if not known[1] then
  if ARGV[5] == '0' then return redis.call(publish, channel, message) end
  begin(ARGV[9])
  known = redis.call('HMGET', meta, 'e', 'o', 'b', 'a', 'n', 'h')
end
local age = math.max(tonumber(ARGV[8]), tonumber(known[4]))
if ARGV[5] ~= '0' then
  keepFor(tonumber(ARGV[5]) * 1000)
  age = math.max(age, tonumber(ARGV[5]) * 1000000)
end
local now = clock()
local offset = math.max(now, tonumber(known[2]) + 1)
redis.call('XADD', stream, text(offset) .. '-0', 'm', message)
if known[5] == '0' then
  known[6] = offset
  keepStream()
end
local count, bytes, head, floor = known[5] + 1, known[3] + #message, tonumber(known[6]), nil
while count > tonumber(ARGV[6]) or bytes > tonumber(ARGV[7]) or now - head > age do
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 2)
  if not oldest[1] then
    -- Redis has thrown the stream away: nothing of it can be given again.
    count, bytes, floor = 0, 0, offset
    break
  end
  redis.call('XDEL', stream, oldest[1][1])
  count, bytes, floor = count - 1, bytes - #oldest[1][2][2], head
  if count == 0 then break end
  head = offsetOf(oldest[2][1])
end
redis.call('HSET', meta, 'o', text(offset), 'b', text(bytes), 'a', text(age), 'n', count, 'h', text(head))
if floor then redis.call('HSET', meta, 'f', text(floor)) end
return redis.call(publish, channel, '*' .. known[1] .. ' ' .. known[2] .. ' ' .. text(offset) .. ' ' .. message)
`);

/**
 * Logs a topic from now on, and tells its subscribers where its log ends. KEYS o, x, t. ARGV: PUBLISH or SPUBLISH,
 * milliseconds to keep it for, an epoch for a log that begins.
 */
export const KEEP_LOG: Script = script(`${LOG}
if redis.call('EXISTS', meta) == 0 then begin(ARGV[3]) end
keepFor(tonumber(ARGV[2]))
local known = redis.call('HMGET', meta, 'e', 'o')
return redis.call(ARGV[1], channel, '*' .. known[1] .. ' ' .. known[2] .. ' ' .. known[2] .. ' .')
`);

/**
 * What came after an offset. KEYS o, x. ARGV: epoch, offset. Gives nothing where the log does not reach back, nor where
 * it ends before the offset: a Redis that has lost its last writes cannot say what else it has lost.
 */
export const READ_LOG_SINCE: Script = script(`
local known = redis.call('HMGET', KEYS[1], 'e', 'f', 'o')
local offset = tonumber(ARGV[2])
if known[1] ~= ARGV[1] or offset < tonumber(known[2]) or offset > tonumber(known[3]) then return false end
return redis.call('XRANGE', KEYS[2], '(' .. ARGV[2] .. '-0', '+')
`);

/**
 * The last events. KEYS o, x. ARGV: how many, microseconds that they may be old. Gives the epoch, then they, newest
 * first.
 */
export const READ_LOG_RECENT: Script = script(`
local epoch = redis.call('HGET', KEYS[1], 'e')
if not epoch then return false end
local time = redis.call('TIME')
local oldest = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]) - tonumber(ARGV[2]))
return {epoch, redis.call('XREVRANGE', KEYS[2], '+', oldest, 'COUNT', ARGV[1])}
`);

/** Takes a session over. KEYS r. ARGV: socket id, milliseconds to keep it for. Gives what was saved. */
export const CLAIM_SESSION: Script = script(`
redis.call('HSET', KEYS[1], 'owner', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('HGET', KEYS[1], 'saved')
`);

/**
 * Saves a session, unless another socket has claimed it. KEYS r. ARGV: socket id, milliseconds to keep it for, what to
 * save.
 */
export const SAVE_SESSION: Script = script(`
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner and owner ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'saved', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

export const LOG_SCRIPTS: readonly Script[] = Object.freeze([
  PUBLISH_DURABLE,
  KEEP_LOG,
  READ_LOG_SINCE,
  READ_LOG_RECENT,
  CLAIM_SESSION,
  SAVE_SESSION,
]);
