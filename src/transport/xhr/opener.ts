import { createHash } from 'node:crypto';

/** A phone changes its address, and a network may have several: those that a session was last seen at. */
const MAX_SESSION_ADDRESSES = 4;

/** Who opened a session: what later requests are compared with. */
export class Opener {
  /** A digest of what the requests of one page have in common. */
  readonly digest: string;
  /** The first that it was seen at. */
  readonly ip: string;
  /** The number of the request that opened the session, if its client numbers them. */
  readonly requestNumber: number | undefined;
  readonly #addresses: string[];

  constructor(digest: string, ip: string, requestNumber: number | undefined) {
    this.digest = digest;
    this.ip = ip;
    this.requestNumber = requestNumber;
    this.#addresses = [ip];
  }

  isKnownAt(ip: string): boolean {
    return this.#addresses.includes(ip);
  }

  seenAt(ip: string): void {
    this.#addresses.push(ip);
    if (this.#addresses.length > MAX_SESSION_ADDRESSES) this.#addresses.shift();
  }
}

/** What all requests of one page have in common. */
export function openerDigest(headers: ReadonlyMap<string, string>): string {
  return digestOf(`${headers.get('origin') ?? ''}\n${headers.get('user-agent') ?? ''}`);
}

/**
 * A session's name among nodes: the whole path in front of it belongs to it, so that nobody guesses one whose path
 * names a session to resume; and no node tells another such a path.
 */
export function sessionKey({ appPath, session }: { readonly appPath: string; readonly session: string }): string {
  return digestOf(`${appPath}/${session}`);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
