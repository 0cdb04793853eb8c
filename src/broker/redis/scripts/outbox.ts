import type { FactKind, WantsFact } from '../../../core/contracts/outbox.ts';
import { CLOCK } from './changes.ts';
import { readList, readNothing, readNumber, readText, readTexts } from './replies.ts';
import { script } from './step.ts';

/** What one bucket keeps that has not been told: whatever bound is met first. */
const MAX_FACTS_OF_BUCKET = 2000;
const MAX_FACT_BYTES_OF_BUCKET = 512 * 1024;
const MAX_FACT_SECONDS_OF_BUCKET = 3600;
export const OUTBOX_BOUNDS = Object.freeze({
  maxFacts: MAX_FACTS_OF_BUCKET,
  maxBytes: MAX_FACT_BYTES_OF_BUCKET,
  maxAgeSeconds: MAX_FACT_SECONDS_OF_BUCKET,
});

/** What a fact takes beside its texts, about. */
const OVERHEAD_BYTES = 80;

/** For scripts with the keys `facts` and `outbox`. */
const REMOVE_FACT = `
local function bytesOf(fact)
  local bytes = ${OVERHEAD_BYTES}
  for at = 2, #fact, 2 do bytes = bytes + #fact[at] end
  return bytes
end
local function removeFact(id)
  local entry = redis.call('XRANGE', facts, id, id)[1]
  if not entry then return end
  redis.call('XDEL', facts, id)
  redis.call('HINCRBY', outbox, 'bytes', -bytesOf(entry[2]))
end
`;

/**
 * `tell(kind, name, user, detail)` writes a fact. For scripts with the keys `facts` and `outbox` and the arguments
 * `app` and `wanted`, the kinds of facts that are read.
 */
export const FACTS = `${REMOVE_FACT}
local function tell(kind, name, user, detail)
  if not string.find(wanted, kind, 1, true) then return end
  local fact = {'kind', kind, 'app', app, 'channel', name, 'user', user, 'detail', detail}
  local id = redis.call('XADD', facts, '*', unpack(fact))
  local bytes = redis.call('HINCRBY', outbox, 'bytes', bytesOf(fact))
  local count = redis.call('XLEN', facts)
  local oldest = tonumber(string.match(id, '^%d+')) - ${OUTBOX_BOUNDS.maxAgeSeconds * 1000}
  while true do
    local first = redis.call('XRANGE', facts, '-', '+', 'COUNT', 1)[1]
    local age = tonumber(string.match(first[1], '^%d+'))
    if count <= ${OUTBOX_BOUNDS.maxFacts} and bytes <= ${OUTBOX_BOUNDS.maxBytes} and age >= oldest then break end
    removeFact(first[1])
    redis.call('HINCRBY', outbox, 'dropped', 1)
    count, bytes = count - 1, bytes - bytesOf(first[2])
    if count == 0 then break end
  end
  redis.call('PEXPIRE', facts, ${OUTBOX_BOUNDS.maxAgeSeconds * 1000})
  redis.call('PEXPIRE', outbox, ${OUTBOX_BOUNDS.maxAgeSeconds * 1000})
end
`;

/** The argument `wanted` for what may come of a change of a channel or a user. */
export function wantedOf(
  wants: WantsFact,
  kinds: readonly FactKind[],
  appId: string,
  channel: string | undefined,
): string {
  return kinds.filter((kind) => wants(kind, appId, channel)).join();
}

/** A fact as Redis has it. */
export interface StoredFact {
  readonly id: string;
  readonly fields: readonly string[];
}

export interface FoundFacts {
  readonly facts: readonly StoredFact[];
  /** The bucket is this reader's: nobody else is given its facts. */
  readonly held: boolean;
  /** How many were dropped since that was last told. */
  readonly dropped: number;
}

/** Facts that a node knows of: each its kind, channel, user and detail. */
export const WRITE_FACTS = script({
  keys: ['facts', 'outbox'],
  args: ['app', 'wanted', '...written'],
  lua: `${FACTS}
for at = 1, #written, 4 do tell(written[at], written[at + 1], written[at + 2], written[at + 3]) end
`,
  read: readNothing,
});

/**
 * Gives a reader's `owner` the next facts of buckets that nobody else has, and keeps those for it: `count` of each at
 * most. A bucket that was another's begins with what that one has not done. For several buckets, their keys follow.
 */
export const READ_FACTS = script({
  keys: ['facts', 'outbox'],
  args: ['reader', 'owner', 'leaseMs', 'count'],
  lua: `${CLOCK}
local now, field = math.floor(clock() / 1000), 'reader ' .. reader
local function readGroup(stream, from, most)
  local reply = redis.call('XREADGROUP', 'GROUP', reader, 'owner', 'COUNT', most, 'STREAMS', stream, from)
  return reply and reply[1][2] or {}
end
local buckets = {}
for at = 1, #KEYS, 2 do
  local stream, state, found, held = KEYS[at], KEYS[at + 1], {}, 0
  if redis.call('EXISTS', stream) == 1 then
    local holder, ends, from = string.match(redis.call('HGET', state, field) or '- 0 >', '(%S+) (%S+) (%S+)')
    if holder == owner or tonumber(ends) < now then
      held = 1
      if holder ~= owner then
        redis.pcall('XGROUP', 'CREATE', stream, reader, '0')
        from = '0'
      end
      local rest = tonumber(count)
      if from ~= '>' and rest > 0 then
        for _, entry in ipairs(readGroup(stream, from, rest)) do
          from, rest = entry[1], rest - 1
          -- What was dropped meanwhile has no fields any more.
          if entry[2] then found[#found + 1] = entry else redis.call('XACK', stream, reader, entry[1]) end
        end
        if rest > 0 then from = '>' end
      end
      if from == '>' and rest > 0 then
        for _, entry in ipairs(readGroup(stream, '>', rest)) do found[#found + 1] = entry end
      end
      redis.call('HSET', state, field, owner .. ' ' .. (now + leaseMs) .. ' ' .. from)
    end
  end
  local dropped = held == 1 and redis.call('HGET', state, 'dropped') or '0'
  if dropped ~= '0' then redis.call('HDEL', state, 'dropped') end
  buckets[#buckets + 1] = {held, tonumber(dropped), found}
end
return buckets
`,
  read: (reply) =>
    readList(reply).map((bucket): FoundFacts => {
      const [held, dropped, facts] = readList(bucket);
      return {
        held: readNumber(held) === 1,
        dropped: readNumber(dropped),
        facts: readList(facts).map((entry) => {
          const [id, fields] = readList(entry);
          return { id: readText(id), fields: readTexts(fields) };
        }),
      };
    }),
});

/** Facts that a reader is done with. They are removed once every reader is. */
export const FINISH_FACTS = script({
  keys: ['facts', 'outbox'],
  args: ['reader', '...ids'],
  lua: `${REMOVE_FACT}
local function before(one, other)
  local oneMs, oneAt = string.match(one, '(%d+)-(%d+)')
  local otherMs, otherAt = string.match(other, '(%d+)-(%d+)')
  if oneMs ~= otherMs then return tonumber(oneMs) < tonumber(otherMs) end
  return tonumber(oneAt) < tonumber(otherAt)
end
if redis.call('EXISTS', facts) == 0 then return end
local others = {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', facts)) do
  local fields = {}
  for at = 1, #group, 2 do fields[group[at]] = group[at + 1] end
  if fields.name ~= reader then others[#others + 1] = fields end
end
for _, id in ipairs(ids) do
  redis.call('XACK', facts, reader, id)
  local wantedByOthers = false
  for _, other in ipairs(others) do
    if before(other['last-delivered-id'], id) or #redis.call('XPENDING', facts, other.name, id, id, 1) > 0 then
      wantedByOthers = true
    end
  end
  if not wantedByOthers then removeFact(id) end
end
`,
  read: readNothing,
});

/** Leaves buckets to other owners. For several buckets, their keys follow. */
export const LEAVE_FACTS = script({
  keys: ['facts', 'outbox'],
  args: ['reader', 'owner'],
  lua: `
local field = 'reader ' .. reader
for at = 2, #KEYS, 2 do
  local holder = string.match(redis.call('HGET', KEYS[at], field) or '', '%S+')
  if holder == owner then redis.call('HDEL', KEYS[at], field) end
end
`,
  read: readNothing,
});

/** How many facts there are, and for how long the oldest has been there. For several buckets, their keys follow. */
export const COUNT_FACTS = script({
  keys: ['facts'],
  args: [],
  lua: `${CLOCK}
local count, oldest = 0, 0
for _, stream in ipairs(KEYS) do
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if first then
    count = count + redis.call('XLEN', stream)
    oldest = math.max(oldest, math.floor(clock() / 1000) - tonumber(string.match(first[1], '^%d+')))
  end
end
return {count, oldest}
`,
  read: (reply) => {
    const [facts, oldestMs] = readList(reply);
    return { facts: readNumber(facts), oldestMs: readNumber(oldestMs) };
  },
});
