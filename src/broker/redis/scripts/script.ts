import { createHash } from 'node:crypto';

/** What runs in Redis as one step. Keys and arguments are told above each; all keys of a call have one hash tag. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export function script(lua: string): Script {
  return Object.freeze({ lua, sha: createHash('sha1').update(lua).digest('hex') });
}
