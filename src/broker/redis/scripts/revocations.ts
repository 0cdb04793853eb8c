import { NOW_MS } from './changes.ts';
import { readNumber } from './replies.ts';
import { script } from './step.ts';

/**
 * Keeps a revocation until its end. Gives how many others were forgotten for it, of those that had not ended: no more
 * than `most` are kept in one place.
 */
export const REVOKE = script({
  keys: ['revoked', 'revokedUntil'],
  args: ['name', 'at', 'untilMs', 'most'],
  lua: `${NOW_MS}
local function forget(names)
  for _, ended in ipairs(names) do
    redis.call('ZREM', revokedUntil, ended)
    redis.call('HDEL', revoked, ended)
  end
  return #names
end
forget(redis.call('ZRANGEBYSCORE', revokedUntil, '-inf', nowMs(), 'LIMIT', 0, 100))
redis.call('HSET', revoked, name, at)
local before = tonumber(redis.call('ZSCORE', revokedUntil, name) or '0')
redis.call('ZADD', revokedUntil, math.max(before, tonumber(untilMs)), name)
local over = redis.call('ZCARD', revokedUntil) - tonumber(most)
local forgotten = 0
if over > 0 then forgotten = forget(redis.call('ZRANGE', revokedUntil, 0, over - 1)) end
local last = redis.call('ZRANGE', revokedUntil, -1, -1, 'WITHSCORES')
for _, key in ipairs({revoked, revokedUntil}) do
  redis.call('PEXPIREAT', key, string.format('%.0f', tonumber(last[2]) + 1000))
end
return forgotten
`,
  read: readNumber,
});

/** When it was revoked, in unix seconds; 0 if that has ended, or never was. */
export const REVOKED_AT = script({
  keys: ['revoked', 'revokedUntil'],
  args: ['name'],
  lua: `${NOW_MS}
local known = redis.call('ZSCORE', revokedUntil, name)
if not known or tonumber(known) <= nowMs() then return 0 end
return tonumber(redis.call('HGET', revoked, name) or '0')
`,
  read: readNumber,
});
