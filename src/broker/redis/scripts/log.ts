import { CLOCK } from './changes.ts';
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
 * offset of the `oldest` of them, their `bytes`, and what bounds it: `maxEvents`, `maxBytes` and `maxAge`, in
 * microseconds. Offsets are microseconds of the clock if that has moved on, so that a Redis that has lost some of its
 * last writes never gives one again.
 *
 * The two are one thing: a stream that has not as many events as the hash says was thrown away or cut by somebody else.
 * Then nothing up to the last event can be given any more.
 */
const LOG = `${CLOCK}
local function text(number) return string.format('%.0f', number) end
local function begin(epoch, maxEvents, maxBytes, maxAge)
  local now = text(clock())
  redis.call('DEL', stream)
  redis.call('HSET', log, 'epoch', epoch, 'last', now, 'floor', now, 'count', '0', 'oldest', '0', 'bytes', '0')
  redis.call('HSET', log, 'maxEvents', maxEvents, 'maxBytes', maxBytes, 'maxAge', maxAge)
end
-- The stream never goes before what says that it is there.
local function keepStream() redis.call('PEXPIRE', stream, redis.call('PTTL', log) + 1000) end
local function keepFor(milliseconds)
  if redis.call('PTTL', log) >= milliseconds then return end
  redis.call('PEXPIRE', log, milliseconds)
  keepStream()
end
local function offsetOf(id) return tonumber(string.match(id, '^%d+')) end
local function read()
  local known = redis.call(
    'HMGET', log, 'epoch', 'last', 'floor', 'count', 'oldest', 'bytes', 'maxEvents', 'maxBytes', 'maxAge'
  )
  if not known[1] then return nil end
  local state = {
    epoch = known[1], last = known[2], floor = tonumber(known[3]), count = tonumber(known[4]),
    oldest = tonumber(known[5]), bytes = tonumber(known[6]), maxEvents = tonumber(known[7]),
    maxBytes = tonumber(known[8]), maxAge = tonumber(known[9])
  }
  if redis.call('XLEN', stream) ~= state.count then
    state.floor, state.count, state.bytes, state.isBroken = tonumber(state.last), 0, 0, true
  end
  return state
end
local function append(state, message)
  local now = clock()
  local offset = math.max(now, tonumber(state.last) + 1)
  if state.isBroken then redis.call('DEL', stream) end
  redis.call('XADD', stream, text(offset) .. '-0', 'm', message)
  if state.count == 0 then
    state.oldest = offset
    keepStream()
  end
  state.count, state.bytes = state.count + 1, state.bytes + #message
  while state.count > state.maxEvents or state.bytes > state.maxBytes or now - state.oldest > state.maxAge do
    local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 2)
    redis.call('XDEL', stream, first[1][1])
    state.floor, state.count, state.bytes = state.oldest, state.count - 1, state.bytes - #first[1][2][2]
    if state.count == 0 then break end
    state.oldest = offsetOf(first[2][1])
  end
  redis.call(
    'HSET', log, 'last', text(offset), 'floor', text(state.floor), 'count', state.count, 'oldest', text(state.oldest),
    'bytes', text(state.bytes), 'maxAge', text(state.maxAge)
  )
  return publish(channel, '*' .. state.epoch .. ' ' .. state.last .. ' ' .. text(offset) .. ' ' .. message)
end
`;

/** Publishes an event (messages.ts), and logs it if its topic is logged. */
export const PUBLISH_EVENT = script({
  keys: ['log', 'stream', 'channel'],
  args: ['message'],
  lua: `
if redis.call('EXISTS', log) == 0 then return publish(channel, message) end
${LOG}
return append(read(), message)
`,
  read: readNothing,
});

/** The most that is known of what was published once on a topic, and for how long, in seconds. */
const ONCE_EVENTS = 1000;
const ONCE_SECONDS = 3600;

/** The same unless an event with this id was published before. */
export const PUBLISH_EVENT_ONCE = script({
  keys: ['log', 'stream', 'channel', 'told'],
  args: ['message', 'id'],
  lua: `
${LOG}
if redis.call('ZADD', told, 'NX', clock(), id) == 0 then return end
redis.call('ZREMRANGEBYRANK', told, 0, -${ONCE_EVENTS + 1})
redis.call('EXPIRE', told, ${ONCE_SECONDS})
if redis.call('EXISTS', log) == 0 then return publish(channel, message) end
return append(read(), message)
`,
  read: readNothing,
});

/**
 * The same for an event that is kept whether or not anybody keeps the log. `head` stands before the frame;
 * `cacheSeconds`: keep the frame as the last event for so long, or 0; `logSeconds`: log it for so long, or 0; then the
 * epoch and the bounds of a log that begins.
 */
export const PUBLISH_KEPT_EVENT = script({
  keys: ['log', 'stream', 'channel', 'cached'],
  args: ['head', 'frame', 'cacheSeconds', 'logSeconds', 'newEpoch', 'maxEvents', 'maxBytes', 'maxAge'],
  lua: `
${LOG}
if cacheSeconds ~= '0' then redis.call('SET', cached, frame, 'EX', cacheSeconds) end
local state = read()
if logSeconds ~= '0' then
  if not state then
    begin(newEpoch, maxEvents, maxBytes, maxAge)
    state = read()
  end
  keepFor(tonumber(logSeconds) * 1000)
  state.maxAge = math.max(state.maxAge, tonumber(logSeconds) * 1000000)
end
if not state then return publish(channel, head .. frame) end
return append(state, head .. frame)
`,
  read: readNothing,
});

/**
 * Logs a topic from now on within these bounds, and tells its subscribers where its log ends. A log that must reach
 * back further than `maxAge` for somebody else goes on to do so.
 */
export const KEEP_LOG = script({
  keys: ['log', 'stream', 'channel'],
  args: ['keepMs', 'newEpoch', 'maxEvents', 'maxBytes', 'maxAge'],
  lua: `
${LOG}
if redis.call('EXISTS', log) == 0 then begin(newEpoch, maxEvents, maxBytes, maxAge) end
keepFor(tonumber(keepMs))
local state = read()
if tonumber(maxAge) > state.maxAge then redis.call('HSET', log, 'maxAge', maxAge) end
redis.call('HSET', log, 'maxEvents', maxEvents, 'maxBytes', maxBytes)
return publish(channel, '*' .. state.epoch .. ' ' .. state.last .. ' ' .. state.last .. ' .')
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
${LOG}
local state = read()
if not state or state.epoch ~= epoch then return false end
if tonumber(offset) < state.floor or tonumber(offset) > tonumber(state.last) then return false end
return redis.call('XRANGE', stream, '(' .. offset .. '-0', '+')
`,
  read: (reply) => (reply === null ? undefined : readEntries(reply)),
});

/**
 * Some events and where the log ends: see ChannelLog.page. An empty `epoch` asks for the last ones. Undefined if there
 * is no log.
 */
export const READ_LOG_PAGE = script({
  keys: ['log', 'stream'],
  args: ['epoch', 'offset', 'events'],
  lua: `
${LOG}
local state = read()
if not state then return false end
local reaches, entries = 1, {}
if state.isBroken then
  if epoch ~= '' and (epoch ~= state.epoch or offset ~= state.last) then reaches = 0 end
elseif epoch == '' then
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', events)
  for at = #newest, 1, -1 do entries[#entries + 1] = newest[at] end
else
  local from = tonumber(offset)
  if epoch ~= state.epoch or from < state.floor or from > tonumber(state.last) then reaches = 0 end
  entries = redis.call('XRANGE', stream, reaches == 1 and '(' .. offset .. '-0' or '-', '+', 'COUNT', events)
end
return {state.epoch, state.last, reaches, entries}
`,
  read: (reply) => {
    if (reply === null) return undefined;
    const [epoch, last, reaches, entries] = readList(reply);
    const end = { epoch: readText(epoch), offset: Number(readText(last)) };
    return { end, reachesBack: reaches === 1, entries: readEntries(entries) };
  },
});

/** The epoch and the last events, none older than `age` microseconds, oldest first; undefined if there is no log. */
export const READ_LOG_RECENT = script({
  keys: ['log', 'stream'],
  args: ['events', 'age'],
  lua: `
${LOG}
local state = read()
if not state then return false end
if state.isBroken then return {state.epoch, {}} end
return {state.epoch, redis.call('XREVRANGE', stream, '+', text(clock() - tonumber(age)), 'COUNT', events)}
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
