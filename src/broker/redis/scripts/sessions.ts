import { NOW_MS } from './changes.ts';
import { readList, readNothing, readNumber, readOptionalText, readTexts } from './replies.ts';
import { script } from './step.ts';

/**
 * Takes a session over. `bytes` is what one takes that nothing is saved for. Gives what was saved; the node that holds
 * it for another socket, if that has not released it; whether two pages share it; and whether it is new to Redis: then
 * its address is to be charged for it.
 */
export const CLAIM_SESSION = script({
  keys: ['session'],
  args: ['socketId', 'node', 'keepMs', 'bytes', 'address'],
  lua: `${NOW_MS}
local known = redis.call('HMGET', session, 'saved', 'owner', 'node', 'shared')
local isNew = 1 - redis.call('EXISTS', session)
if isNew == 1 then redis.call('HSET', session, 'bytes', bytes, 'address', address, 'chargedMs', nowMs()) end
redis.call('HSET', session, 'owner', socketId, 'node', node)
redis.call('PEXPIRE', session, keepMs)
local holder = known[3]
if known[2] == socketId then holder = false end
return {known[1], holder, known[4] and 1 or 0, isNew}
`,
  read: (reply) => {
    const [saved, holder, isShared, isNew] = readList(reply);
    return {
      saved: readOptionalText(saved),
      holder: readOptionalText(holder),
      isShared: isShared === 1,
      isNew: isNew === 1,
    };
  },
});

/**
 * Saves a session, unless another socket has claimed it or two pages share it. `node` is empty if the socket has gone;
 * `bytes` is what the session takes. Gives whether it was saved, and whether its address is to be charged: if that, or
 * the amount, is not what it was, or the last time was a while ago.
 */
export const SAVE_SESSION = script({
  keys: ['session'],
  args: ['socketId', 'node', 'keepMs', 'saved', 'bytes', 'address'],
  lua: `${NOW_MS}
local known = redis.call('HMGET', session, 'owner', 'bytes', 'address', 'chargedMs', 'shared')
if (known[1] and known[1] ~= socketId) or known[5] then return {0, 0} end
local isDue = known[2] ~= bytes or known[3] ~= address or nowMs() - tonumber(known[4]) > tonumber(keepMs) / 4
if isDue then redis.call('HSET', session, 'bytes', bytes, 'address', address, 'chargedMs', nowMs()) end
redis.call('HSET', session, 'owner', socketId, 'saved', saved)
if node == '' then redis.call('HDEL', session, 'node') else redis.call('HSET', session, 'node', node) end
redis.call('PEXPIRE', session, keepMs)
return {1, isDue and 1 or 0}
`,
  read: (reply) => {
    const [isSaved, isDue] = readList(reply);
    return { isSaved: readNumber(isSaved) === 1, isDue: readNumber(isDue) === 1 };
  },
});

/** Marks a session as shared by two pages, if it is known. */
export const SHARE_SESSION = script({
  keys: ['session'],
  args: ['keepMs'],
  lua: `if redis.call('EXISTS', session) == 1 then
  redis.call('HSET', session, 'shared', 1)
  redis.call('PEXPIRE', session, keepMs)
end`,
  read: readNothing,
});

/**
 * Charges an address for a session. Gives the sessions that are to be forgotten for that: the address has left more
 * than `maxBytes`, and these were charged for the longest ago. Those that have ended by themselves cost nothing any
 * more.
 */
export const CHARGE_SESSION = script({
  keys: ['sessionsLeft', 'sessionBytes'],
  args: ['session', 'bytes', 'keepMs', 'maxBytes'],
  lua: `${NOW_MS}
-- A session is charged for again before a quarter of its time has passed, and so cannot last longer than this.
local longestMs = math.ceil(keepMs * 5 / 4)
local total = tonumber(redis.call('HGET', sessionBytes, 'total') or '0')
local function drop(name)
  total = total - tonumber(redis.call('HGET', sessionBytes, name) or '0')
  redis.call('HDEL', sessionBytes, name)
  redis.call('ZREM', sessionsLeft, name)
end
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', sessionsLeft, '-inf', nowMs() - longestMs, 'LIMIT', 0, 100)) do
  drop(ended)
end
drop(session)
total = total + tonumber(bytes)
redis.call('HSET', sessionBytes, session, bytes)
redis.call('ZADD', sessionsLeft, nowMs(), session)
local forgotten = {}
while total > tonumber(maxBytes) and #forgotten < 100 do
  local oldest = redis.call('ZRANGE', sessionsLeft, 0, 0)[1]
  if not oldest then break end
  drop(oldest)
  forgotten[#forgotten + 1] = oldest
end
redis.call('HSET', sessionBytes, 'total', total)
redis.call('PEXPIRE', sessionsLeft, longestMs)
redis.call('PEXPIRE', sessionBytes, longestMs)
return forgotten
`,
  read: readTexts,
});

/** Forgets a session, unless another address is charged for it by now. */
export const FORGET_SESSION = script({
  keys: ['session'],
  args: ['address'],
  lua: `if redis.call('HGET', session, 'address') == address then redis.call('DEL', session) end`,
  read: readNothing,
});
