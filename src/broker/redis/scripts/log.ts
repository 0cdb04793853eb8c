import { decodeFrame, type FrameMessage } from './messages.ts';
import { readList, readNothing, readText } from './replies.ts';
import { script } from './step.ts';

/** An event as a log has it. */
export interface LogEntry {
  readonly offset: number;
  readonly message: FrameMessage;
}

/**
 * A log is a stream whose ids are the offsets, and a hash of what belongs to it: its `epoch`, the offset of its `last`
 * event, the `floor`, which is the offset of the last event that is no longer kept, how many are kept (`count`), the
 * offset of the `oldest` of them, their `bytes`, and the `age` in microseconds that somebody has asked for. Offsets are
 * microseconds of the clock if that has moved on, so that a Redis that has lost some of its last writes never gives one
 * again.
 */
const LOG = `
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function text(number) return string.format('%.0f', number) end
local function begin(epoch)
  local now = text(clock())
  redis.call('DEL', stream)
  redis.call('HSET', log, 'epoch', epoch, 'last', now, 'floor', now)
  redis.call('HSET', log, 'count', '0', 'oldest', '0', 'bytes', '0', 'age', '0')
end
-- The stream never goes before what says that it is there.
local function keepStream() redis.call('PEXPIRE', stream, redis.call('PTTL', log) + 1000) end
local function keepFor(milliseconds)
  if redis.call('PTTL', log) >= milliseconds then return end
  redis.call('PEXPIRE', log, milliseconds)
  keepStream()
end
local function offsetOf(id) return tonumber(string.match(id, '^%d+')) end
`;

/**
 * Publishes a durable message, and logs it if its topic is logged, or is to be. `head` stands before the frame;
 * `cacheSeconds`: keep the frame as the last event for so long, or 0; `logSeconds`: log it for so long though nobody
 * keeps the log, or 0; then the bounds of a log, and an epoch for one that begins.
 */
export const PUBLISH_DURABLE = script({
  keys: ['log', 'stream', 'channel', 'cached'],
  args: ['head', 'frame', 'cacheSeconds', 'logSeconds', 'maxEvents', 'maxBytes', 'maxAgeMicroseconds', 'newEpoch'],
  lua: `${LOG}
local message = head .. frame
if cacheSeconds ~= '0' then redis.call('SET', cached, frame, 'EX', cacheSeconds) end
local known = redis.call('HMGET', log, 'epoch', 'last', 'bytes', 'age', 'count', 'oldest')
if not known[1] then
  if logSeconds == '0' then return publish(channel, message) end
  begin(newEpoch)
  known = redis.call('HMGET', log, 'epoch', 'last', 'bytes', 'age', 'count', 'oldest')
end
local age = math.max(tonumber(maxAgeMicroseconds), tonumber(known[4]))
if logSeconds ~= '0' then
  keepFor(tonumber(logSeconds) * 1000)
  age = math.max(age, tonumber(logSeconds) * 1000000)
end
local now = clock()
local offset = math.max(now, tonumber(known[2]) + 1)
redis.call('XADD', stream, text(offset) .. '-0', 'm', message)
if known[5] == '0' then
  known[6] = offset
  keepStream()
end
local count, bytes, oldest, floor = known[5] + 1, known[3] + #message, tonumber(known[6]), nil
while count > tonumber(maxEvents) or bytes > tonumber(maxBytes) or now - oldest > age do
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 2)
  if not first[1] then
    -- Redis has thrown the stream away: nothing of it can be given again.
    count, bytes, floor = 0, 0, offset
    break
  end
  redis.call('XDEL', stream, first[1][1])
  count, bytes, floor = count - 1, bytes - #first[1][2][2], oldest
  if count == 0 then break end
  oldest = offsetOf(first[2][1])
end
redis.call(
  'HSET', log, 'last', text(offset), 'bytes', text(bytes), 'age', text(age), 'count', count, 'oldest', text(oldest)
)
if floor then redis.call('HSET', log, 'floor', text(floor)) end
return publish(channel, '*' .. known[1] .. ' ' .. known[2] .. ' ' .. text(offset) .. ' ' .. message)
`,
  read: readNothing,
});

/** Logs a topic from now on, and tells its subscribers where its log ends. */
export const KEEP_LOG = script({
  keys: ['log', 'stream', 'channel'],
  args: ['keepMs', 'newEpoch'],
  lua: `${LOG}
if redis.call('EXISTS', log) == 0 then begin(newEpoch) end
keepFor(tonumber(keepMs))
local known = redis.call('HMGET', log, 'epoch', 'last')
return publish(channel, '*' .. known[1] .. ' ' .. known[2] .. ' ' .. known[2] .. ' .')
`,
  read: readNothing,
});

/**
 * What came after an offset. Undefined if the log does not reach back so far, or ends before the offset: a Redis that
 * has lost its last writes cannot say what else it has lost.
 */
export const READ_LOG_SINCE = script({
  keys: ['log', 'stream'],
  args: ['epoch', 'offset'],
  lua: `
local known = redis.call('HMGET', log, 'epoch', 'floor', 'last')
local number = tonumber(offset)
if known[1] ~= epoch or number < tonumber(known[2]) or number > tonumber(known[3]) then return false end
return redis.call('XRANGE', stream, '(' .. offset .. '-0', '+')
`,
  read: (reply) => (reply === null ? undefined : readEntries(reply)),
});

/** The epoch and the last events, oldest first; undefined if the topic is not logged. */
export const READ_LOG_RECENT = script({
  keys: ['log', 'stream'],
  args: ['maxEvents', 'maxAgeMicroseconds'],
  lua: `
local epoch = redis.call('HGET', log, 'epoch')
if not epoch then return false end
local time = redis.call('TIME')
local from = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]) - tonumber(maxAgeMicroseconds))
return {epoch, redis.call('XREVRANGE', stream, '+', from, 'COUNT', maxEvents)}
`,
  read: (reply) => {
    if (reply === null) return undefined;
    const [epoch, entries] = readList(reply);
    return { epoch: readText(epoch), entries: readEntries(entries).reverse() };
  },
});

/** A channel's last event and the milliseconds that it is kept for; undefined if there is none. */
export const READ_CACHED = script({
  keys: ['cached'],
  args: [],
  lua: `
local frame = redis.call('GET', cached)
return frame and {frame, redis.call('PTTL', cached)}
`,
  read: (reply) => {
    if (reply === null) return undefined;
    const [frame, ttlMs] = readList(reply);
    return { frame: readText(frame), ttlMs: Number(ttlMs) };
  },
});

/** As `XRANGE` gives them: `[id, ['m', message]]`. */
function readEntries(reply: unknown): LogEntry[] {
  return readList(reply).map((entry) => {
    const [id, fields] = readList(entry);
    const [, message] = readList(fields);
    return { offset: Number.parseInt(readText(id), 10), message: decodeFrame(readText(message)) };
  });
}
