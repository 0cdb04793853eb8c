import { NOW_MS } from './changes.ts';
import { readNothing, readNumber, readOptionalText, readTexts } from './replies.ts';
import { script } from './step.ts';

/** For scripts with the keys `givenUp` and `givenUpAt`. */
const FORGET = `
local function forget(id)
  for _, field in ipairs({'note ' .. id, 'batch ' .. id}) do
    redis.call('HINCRBY', givenUp, 'total', 0 - redis.call('HSTRLEN', givenUp, field))
    redis.call('HDEL', givenUp, field)
  end
  redis.call('ZREM', givenUpAt, id)
end
`;

/**
 * Keeps a batch in place of one with its id. Gives how many others made room, beside those that were too old; or 1 for
 * the batch itself, if it alone is too large.
 */
export const KEEP_GIVEN_UP = script({
  keys: ['givenUp', 'givenUpAt'],
  args: ['id', 'note', 'batch', 'most', 'mostBytes', 'keepMs'],
  lua: `${NOW_MS}${FORGET}
local now = nowMs()
forget(id)
if #note + #batch > tonumber(mostBytes) then return 1 end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', givenUpAt, '-inf', now - keepMs)) do forget(old) end
redis.call('HSET', givenUp, 'note ' .. id, note, 'batch ' .. id, batch)
redis.call('ZADD', givenUpAt, now, id)
local bytes, forgotten = redis.call('HINCRBY', givenUp, 'total', #note + #batch), 0
while redis.call('ZCARD', givenUpAt) > tonumber(most) or bytes > tonumber(mostBytes) do
  local oldest = redis.call('ZRANGE', givenUpAt, 0, 0)[1]
  if not oldest then break end
  forget(oldest)
  bytes, forgotten = tonumber(redis.call('HGET', givenUp, 'total')), forgotten + 1
end
redis.call('PEXPIRE', givenUp, keepMs)
redis.call('PEXPIRE', givenUpAt, keepMs)
return forgotten
`,
  read: readNumber,
});

/** The notes, the oldest first. */
export const LIST_GIVEN_UP = script({
  keys: ['givenUp', 'givenUpAt'],
  args: ['keepMs'],
  lua: `${NOW_MS}
local notes = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', givenUpAt, '(' .. (nowMs() - keepMs), '+inf')) do
  notes[#notes + 1] = redis.call('HGET', givenUp, 'note ' .. id) or nil
end
return notes
`,
  read: readTexts,
});

export const READ_GIVEN_UP = script({
  keys: ['givenUp', 'givenUpAt'],
  args: ['id', 'keepMs'],
  lua: `${NOW_MS}
local at = redis.call('ZSCORE', givenUpAt, id)
if not at or tonumber(at) <= nowMs() - keepMs then return false end
return redis.call('HGET', givenUp, 'batch ' .. id)
`,
  read: readOptionalText,
});

export const REMOVE_GIVEN_UP = script({
  keys: ['givenUp', 'givenUpAt'],
  args: ['id'],
  lua: `${FORGET}
if redis.call('ZSCORE', givenUpAt, id) then forget(id) end
`,
  read: readNothing,
});
