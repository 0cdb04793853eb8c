import { CHANGES, CLOCK, SUM } from './changes.ts';
import { FACTS } from './outbox.ts';
import { readList, readNumber, readOptionalText, readPairs } from './replies.ts';
import { command, script } from './step.ts';

/** What a channel or all of them are listed with. */
export interface ListedCounts {
  readonly subscriptionCount: number;
  readonly userCount: number;
}

/**
 * How many an incarnation has under a topic: idempotent, as the count is told and not its change. It is either a
 * channel's, `name`, which is listed while it is occupied, or a user's, `user`, whose coming and going is told on the
 * topic; the other is ''. `former`: incarnations that this one replaces. Gives the total.
 */
export const SET_COUNT = script({
  keys: ['counts', 'version', 'channel', 'occupied', 'facts', 'outbox'],
  args: ['app', 'name', 'user', 'wanted', 'incarnation', 'count', '...former'],
  lua: `${CHANGES}${SUM}${FACTS}
local before = sum(counts)
for _, replaced in ipairs(former) do redis.call('HDEL', counts, replaced) end
if count == '0' then
  redis.call('HDEL', counts, incarnation)
else
  redis.call('HSET', counts, incarnation, count)
end
local after = sum(counts)
local came, went = before == 0 and after > 0, before > 0 and after == 0
if name ~= '' then
  if after == 0 then
    redis.call('HDEL', occupied, name)
  else
    redis.call('HSET', occupied, name, after .. ' 0')
  end
  if came then tell('channel_occupied', name, '', '') end
  if went then tell('channel_vacated', name, '', '') end
else
  if came then
    change('!', '1')
    tell('user_online', '', user, '')
  elseif went then
    change('!', '0')
    redis.call('DEL', version)
    tell('user_offline', '', user, '')
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
