import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { addressBlock } from '../core/connection/address-block.ts';

/** What decides about a request. */
export interface Visitor {
  /** The other end of the TCP connection. */
  readonly remoteAddress: string;
  readonly headers: IncomingHttpHeaders;
}

export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly status: 401 | 403 | 429; readonly message: string };

export const SESSION_COOKIE = 'fanfare_admin';
const SESSION_SECONDS = 12 * 3600;

/** Wrong tokens of one address within this time… */
const WINDOW_MS = 60_000;
/** …are at most so many. */
const MAX_WRONG_TOKENS = 10;
/** Addresses whose failures are remembered: the oldest goes first. */
const MAX_FAILING_ADDRESSES = 1000;

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;
const LOOPBACK_HOST = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i;
/** By which a proxy says that it speaks for somebody else. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip'] as const;

const MAPPED = '::ffff:';

const ALLOWED: Verdict = Object.freeze({ allowed: true });

/**
 * Who may use the console and its API: whoever brings the admin token, as a bearer token or by the cookie of a login;
 * without a token, only this machine itself. Tokens are compared in constant time, and wrong ones are counted by
 * address.
 */
export class Access {
  readonly #token: string | undefined;
  readonly #now: () => number;
  readonly #failures = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(token: string | undefined, now: () => number = Date.now) {
    this.#token = token;
    this.#now = now;
  }

  get needsToken(): boolean {
    return this.#token !== undefined;
  }

  check(visitor: Visitor): Verdict {
    if (this.#token === undefined) return fromThisMachine(visitor);
    const bearer = /^Bearer +(\S+)$/i.exec(visitor.headers.authorization ?? '')?.[1];
    if (bearer !== undefined) return this.login(bearer, visitor.remoteAddress);
    const session = cookieOf(visitor.headers.cookie ?? '', SESSION_COOKIE);
    if (session !== undefined && this.#isSession(session)) return ALLOWED;
    return {
      allowed: false,
      status: 401,
      message:
        'This needs the admin token (admin.token, FANFARE_ADMIN_TOKEN): log in with it, or send it as a bearer token',
    };
  }

  /** Whether this is the admin token. */
  login(token: string, address: string): Verdict {
    return this.#compare(token, addressBlock(withoutPrefix(address)));
  }

  #compare(token: string, address: string): Verdict {
    const known = this.#failures.get(address);
    const counts = known !== undefined && this.#now() - known.sinceMs < WINDOW_MS;
    if (counts && known.count >= MAX_WRONG_TOKENS) {
      return { allowed: false, status: 429, message: 'Too many wrong tokens from this address: wait a minute' };
    }
    if (this.#token !== undefined && isEqual(token, this.#token)) {
      this.#failures.delete(address);
      return ALLOWED;
    }
    if (counts) known.count += 1;
    else this.#remember(address);
    return {
      allowed: false,
      status: 401,
      message: 'This is not the admin token: the server has it as admin.token, by FANFARE_ADMIN_TOKEN as a rule',
    };
  }

  /** The value of a cookie that stands for the token for some hours. It holds nothing of it. */
  newSession(): { readonly value: string; readonly maxAgeSeconds: number } {
    const expires = String(Math.floor(this.#now() / 1000) + SESSION_SECONDS);
    return { value: `${expires}.${this.#sign(expires)}`, maxAgeSeconds: SESSION_SECONDS };
  }

  #isSession(value: string): boolean {
    const [expires = '', signature = ''] = value.split('.');
    if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < this.#now()) return false;
    return isEqual(signature, this.#sign(expires));
  }

  #sign(expires: string): string {
    return createHmac('sha256', this.#token ?? '')
      .update(`console ${expires}`)
      .digest('base64url');
  }

  #remember(address: string): void {
    this.#failures.delete(address);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= MAX_FAILING_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(address, { count: 1, sinceMs: this.#now() });
  }
}

/** Whether a host, with its port or without, is a name by which only this machine calls itself. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK_HOST.test(host);
}

/**
 * A page of another site may send requests to this machine, by its own name or by one that it has made to point here:
 * the first is told by the Origin, the second by the Host. A proxy on this machine would let in everyone.
 */
export function isForeignPage({ headers }: Visitor): boolean {
  const { origin, host } = headers;
  if (headers['sec-fetch-site'] === 'cross-site') return true;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/** Lets this machine itself in, by a name of its own and without a proxy. */
export function thisMachineOnly(visitor: Visitor): Verdict {
  const verdict = fromThisMachine(visitor);
  return verdict.allowed ? verdict : { ...verdict, message: 'Only this machine itself may use the playground' };
}

function fromThisMachine({ remoteAddress, headers }: Visitor): Verdict {
  const proxied = PROXY_HEADERS.some((name) => headers[name] !== undefined);
  if (LOOPBACK.test(remoteAddress) && !proxied && isLoopbackHost(headers.host ?? '')) return ALLOWED;
  const message = 'Only this machine itself may use the console while no admin.token (FANFARE_ADMIN_TOKEN) is set';
  return { allowed: false, status: 403, message };
}

/** Digests, so that neither content nor length shows in the time that it takes. */
function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Listening on `::`, Node tells IPv4 addresses as `::ffff:10.0.0.1`. */
function withoutPrefix(address: string): string {
  const isMapped = address.startsWith(MAPPED) && address.includes('.');
  return isMapped ? address.slice(MAPPED.length) : address;
}

function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
