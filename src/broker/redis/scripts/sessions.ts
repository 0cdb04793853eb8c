import { readNumber, readOptionalText } from './replies.ts';
import { script } from './step.ts';

/** Takes a session over. Gives what was saved. */
export const CLAIM_SESSION = script({
  keys: ['session'],
  args: ['socketId', 'keepMs'],
  lua: `
redis.call('HSET', session, 'owner', socketId)
redis.call('PEXPIRE', session, keepMs)
return redis.call('HGET', session, 'saved')
`,
  read: readOptionalText,
});

/** Saves a session, unless another socket has claimed it. Gives whether it did. */
export const SAVE_SESSION = script({
  keys: ['session'],
  args: ['socketId', 'keepMs', 'saved'],
  lua: `
local owner = redis.call('HGET', session, 'owner')
if owner and owner ~= socketId then return 0 end
redis.call('HSET', session, 'owner', socketId, 'saved', saved)
redis.call('PEXPIRE', session, keepMs)
return 1
`,
  read: (reply) => readNumber(reply) === 1,
});
