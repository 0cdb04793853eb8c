import { NOW_MS } from './changes.ts';
import { readList, readNothing, readOptionalText, readText } from './replies.ts';
import { script } from './step.ts';

/**
 * A request is `p:attempt:asks` while it is carried out, and `d:weight:asks:body` afterwards. Those whose time is over
 * are dropped a few at a time, by whatever comes next.
 */
const REQUESTS = `${NOW_MS}
local function weightOf(known) return tonumber(string.match(known, '^d:(%d+):') or '1') end
local function add(weight) redis.call('HINCRBY', requests, 'total', weight) end
local function drop(name)
  local known = redis.call('HGET', requests, name)
  redis.call('ZREM', requestsKept, name)
  if not known then return end
  redis.call('HDEL', requests, name)
  add(-weightOf(known))
end
local function keep(name, known, forMs)
  redis.call('HSET', requests, name, known)
  redis.call('ZADD', requestsKept, nowMs() + forMs, name)
  add(weightOf(known))
  for _, key in ipairs({requests, requestsKept}) do
    if redis.call('PTTL', key) < forMs + 1000 then redis.call('PEXPIRE', key, forMs + 1000) end
  end
end
local function isMine(known) return known and string.sub(known, 1, #attempt + 3) == 'p:' .. attempt .. ':' end
`;

/** Begins a request: gives its state, and what it was answered if that is `done`. `most`: how many are remembered. */
export const BEGIN_REQUEST = script({
  keys: ['requests', 'requestsKept'],
  args: ['request', 'attempt', 'asks', 'attemptMs', 'most'],
  lua: `${REQUESTS}
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', requestsKept, '-inf', nowMs(), 'LIMIT', 0, 100)) do drop(ended) end
local until_ = redis.call('ZSCORE', requestsKept, request)
if until_ and tonumber(until_) <= nowMs() then drop(request) end
local known = redis.call('HGET', requests, request)
if known then
  local _, _, askedFor, body = string.find(known, '^%a:[^:]*:([^:]*):?(.*)$')
  if askedFor ~= asks then return {'other_request', false} end
  if string.sub(known, 1, 1) == 'd' then return {'done', body} end
  return {isMine(known) and 'new' or 'under_way', false}
end
if tonumber(redis.call('HGET', requests, 'total') or '0') >= tonumber(most) then return {'full', false} end
keep(request, 'p:' .. attempt .. ':' .. asks, tonumber(attemptMs))
return {'new', false}
`,
  read: (reply) => {
    const [state, body] = readList(reply);
    return { state: readText(state), body: readOptionalText(body) ?? '' };
  },
});

/** Remembers the answer of the attempt under way. */
export const FINISH_REQUEST = script({
  keys: ['requests', 'requestsKept'],
  args: ['request', 'attempt', 'asks', 'body', 'weight', 'keepMs'],
  lua: `${REQUESTS}
if not isMine(redis.call('HGET', requests, request)) then return end
drop(request)
keep(request, 'd:' .. weight .. ':' .. asks .. ':' .. body, tonumber(keepMs))
`,
  read: readNothing,
});

/** Forgets the attempt under way. */
export const ABANDON_REQUEST = script({
  keys: ['requests', 'requestsKept'],
  args: ['request', 'attempt'],
  lua: `${REQUESTS}
if isMine(redis.call('HGET', requests, request)) then drop(request) end
`,
  read: readNothing,
});
