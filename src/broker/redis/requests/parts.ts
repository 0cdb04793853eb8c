/** What an app has many of is spread over so many places, so that a Cluster shares them out. */
export const PARTS = 16;

/** The place of what has this digest, in base64url. Each has room for its part of a bound, so all must get as much. */
export function partOf(digest: string): number {
  return (Buffer.from(digest.slice(0, 2), 'base64url')[0] ?? 0) % PARTS;
}
