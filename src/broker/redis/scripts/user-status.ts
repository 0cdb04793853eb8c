import { readList, readNothing, readOptionalText } from './replies.ts';
import { script } from './step.ts';

/** Where a user's status is told from now on. */
export const REMEMBER_STATUS_CHANNELS = script({
  keys: ['status'],
  args: ['channels', 'keepMs'],
  lua: `
redis.call('HSET', status, 'channels', channels)
redis.call('PEXPIRE', status, keepMs)
`,
  read: readNothing,
});

/** Gives the channels if the status has changed, or this very change is repeated. */
export const CHANGE_STATUS = script({
  keys: ['status'],
  args: ['online', 'at', 'fact', 'keepMs'],
  lua: `
local known = redis.call('HMGET', status, 'online', 'fact', 'channels')
if known[2] ~= fact then
  if (known[1] or '0') == online then return false end
  redis.call('HSET', status, 'online', online, 'at', at, 'fact', fact)
  redis.call('PEXPIRE', status, keepMs)
end
return known[3] or '[]'
`,
  read: readOptionalText,
});

export const READ_STATUS = script({
  keys: ['status'],
  args: [],
  lua: `return redis.call('HMGET', status, 'online', 'at')`,
  read: (reply) => {
    const [online, at] = readList(reply).map(readOptionalText);
    return online === undefined || at === undefined ? undefined : { online: online === '1', atMs: Number(at) };
  },
});
