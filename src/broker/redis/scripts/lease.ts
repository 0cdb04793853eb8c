import { CLOCK } from './changes.ts';
import { readList, readNothing, readPairs, readText, readTexts } from './replies.ts';
import { command, script } from './step.ts';

/** What all nodes have in common bears this name instead of a topic's. */
export const ALL_NODES = 'nodes';

/**
 * Renews a lease and looks after those that have ended. `begin`: '1' to begin the lease; `lookAfter`: '1' to look after
 * the others; `former`: incarnations that this one replaces. Gives whether the lease stands, and the dead incarnations
 * that this node is to remove the entries of: for the length of a lease, no other node is asked to.
 */
export const RENEW_LEASE = script({
  keys: ['leases', 'ended'],
  args: ['incarnation', 'leaseMs', 'begin', 'lookAfter', '...former'],
  lua: `${CLOCK}
local now = math.floor(clock() / 1000)
local stands = 0
if begin == '1' or redis.call('ZSCORE', leases, incarnation) then
  redis.call('ZADD', leases, now + leaseMs, incarnation)
  stands = 1
end
for _, replaced in ipairs(former) do
  redis.call('ZREM', leases, replaced)
  redis.call('ZADD', ended, 'NX', now, replaced)
end
local mine = {}
if lookAfter == '1' then
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now - 1, 'LIMIT', 0, 10)) do
    redis.call('ZREM', leases, dead)
    redis.call('ZADD', ended, 'NX', now, dead)
  end
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', ended, '-inf', now, 'LIMIT', 0, 10)) do
    redis.call('ZADD', ended, now + leaseMs, dead)
    mine[#mine + 1] = dead
  end
end
return {stands, mine}
`,
  read: (reply) => {
    const [stands, dead] = readList(reply);
    return { stands: stands === 1, dead: readTexts(dead) };
  },
});

/** Nothing is left of an incarnation. */
export const FORGET_LEASE = script({
  keys: ['leases', 'ended'],
  args: ['incarnation'],
  lua: `
redis.call('ZREM', leases, incarnation)
redis.call('ZREM', ended, incarnation)
`,
  read: readNothing,
});

/** Lists what an incarnation may have entries under: each item, then the number of its listing. */
export const LIST_HOLDINGS = command('HSET', 'holdings', ['...listings'], readNothing);

/** Takes items off the list, unless they have been listed anew: each item, then the number of its listing. */
export const TAKE_OFF_HOLDINGS = script({
  keys: ['holdings'],
  args: ['...listings'],
  lua: `
for at = 1, #listings, 2 do
  if redis.call('HGET', holdings, listings[at]) == listings[at + 1] then redis.call('HDEL', holdings, listings[at]) end
end
`,
  read: readNothing,
});

export const FORGET_HOLDINGS = command('DEL', 'holdings', [], readNothing);

/** Some of the holdings, and the cursor to go on with: '0' at the end. */
export const SCAN_HOLDINGS = command('HSCAN', 'holdings', ['cursor', '...options'], (reply) => {
  const [cursor, listings] = readList(reply);
  return { cursor: readText(cursor), items: readPairs(listings).map(([item]) => item) };
});
