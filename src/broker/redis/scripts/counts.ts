import { CHANGES, CLOCK, SUM } from './changes.ts';
import { readList, readNumber, readOptionalText, readPairs } from './replies.ts';
import { command, script } from './step.ts';

/** What a channel or all of them are listed with. */
export interface ListedCounts {
  readonly subscriptionCount: number;
  readonly userCount: number;
}

/**
 * How many an incarnation has under a topic: idempotent, as the count is told and not its change. `listedAs`: the
 * channel to list among the occupied ones, or ''; `tell`: '1' to tell on the topic when the first comes and the last
 * goes; `former`: incarnations that this one replaces. Gives the total.
 */
export const SET_COUNT = script({
  keys: ['counts', 'version', 'channel', 'occupied'],
  args: ['incarnation', 'count', 'listedAs', 'tell', '...former'],
  lua: `${CHANGES}${SUM}
local before = sum(counts)
for _, replaced in ipairs(former) do redis.call('HDEL', counts, replaced) end
if count == '0' then
  redis.call('HDEL', counts, incarnation)
else
  redis.call('HSET', counts, incarnation, count)
end
local after = sum(counts)
if listedAs ~= '' then
  if after == 0 then
    redis.call('HDEL', occupied, listedAs)
  else
    redis.call('HSET', occupied, listedAs, after .. ' 0')
  end
end
if tell == '1' then
  if before == 0 and after > 0 then
    change('!', '1')
  elseif before > 0 and after == 0 then
    change('!', '0')
    redis.call('DEL', version)
  end
end
return after
`,
  read: readNumber,
});

/** Whether a user is online, and as of which change. */
export const READ_ONLINE = script({
  keys: ['counts', 'version'],
  args: [],
  lua: `${CLOCK}
return {redis.call('EXISTS', counts), redis.call('GET', version) or string.format('%.0f', clock())}
`,
  read: (reply) => {
    const [online, version] = readList(reply);
    return { online: readNumber(online) === 1, version: Number(version) };
  },
});

/** The counts of one channel; undefined if it is not occupied. */
export const READ_COUNTS = command('HGET', 'occupied', ['channel'], (reply) => {
  const listed = readOptionalText(reply);
  return listed === undefined ? undefined : countsOf(listed);
});

/**
 * The occupied channels of an app whose name begins with `prefix`. For several buckets, their keys follow the first.
 */
export const READ_OCCUPIED = script({
  keys: ['occupied'],
  args: ['prefix'],
  lua: `
local found = {}
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
`,
  read: (reply) => readPairs(reply).map(([channel, listed]) => [channel, countsOf(listed)] as const),
});

/** `subscriptions users`. */
function countsOf(listed: string): ListedCounts {
  const space = listed.indexOf(' ');
  return { subscriptionCount: Number(listed.slice(0, space)), userCount: Number(listed.slice(space + 1)) };
}
