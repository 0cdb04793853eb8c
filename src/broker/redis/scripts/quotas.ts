import { SUM } from './changes.ts';
import { readList, readNothing, readNumber } from './replies.ts';
import { command, script } from './step.ts';

/**
 * Admits as many new connections as a limit leaves room for. `has`: how many the incarnation has; `more`: how many more
 * it asks for; `limit`: 0 is none; `former`: incarnations that this one replaces. Gives how many more it has now.
 */
export const TAKE_PLACES = script({
  keys: ['counts'],
  args: ['incarnation', 'has', 'more', 'limit', '...former'],
  lua: `${SUM}
for _, replaced in ipairs(former) do redis.call('HDEL', counts, replaced) end
local others = sum(counts) - tonumber(redis.call('HGET', counts, incarnation) or '0')
local present, admitted, most = tonumber(has), tonumber(more), tonumber(limit)
if most > 0 then admitted = math.max(0, math.min(admitted, most - others - present)) end
if present + admitted == 0 then
  redis.call('HDEL', counts, incarnation)
else
  redis.call('HSET', counts, incarnation, present + admitted)
end
return admitted
`,
  read: readNumber,
});

/** Gives back what an incarnation has. */
export const FORGET_PLACES = command('HDEL', 'counts', ['incarnation'], readNothing);

/**
 * Takes from an app's allowance for the present second of Redis's clock: what is asked for and, if there is plenty, a
 * tenth of the rest, so that a busy node asks rarely. Gives what was taken (0: not even what was asked for is left) and
 * for how many milliseconds it is good.
 */
export const TAKE_ALLOWANCE = script({
  keys: ['allowance'],
  args: ['asked', 'limit'],
  lua: `
local time = redis.call('TIME')
local goodFor = 1000 - math.floor(tonumber(time[2]) / 1000)
local count, most = tonumber(asked), tonumber(limit)
local window = redis.call('HMGET', allowance, 'second', 'taken')
local taken = window[1] == time[1] and tonumber(window[2]) or 0
local rest = most - taken
local take = math.max(count, math.floor(rest / 10))
if count > rest and taken > 0 then return {0, goodFor} end
redis.call('HSET', allowance, 'second', time[1], 'taken', taken + take)
redis.call('PEXPIRE', allowance, 2000)
return {take, goodFor}
`,
  read: (reply) => {
    const [taken, goodForMs] = readList(reply);
    return { taken: readNumber(taken), goodForMs: readNumber(goodForMs) };
  },
});
