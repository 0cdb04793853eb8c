import { randomBytes } from 'node:crypto';

/** A name that no other test uses: several files may run against one server at once. */
export function unique(prefix: string): string {
  return `${prefix}${randomBytes(6).toString('hex')}`;
}
