import { createHash, hash, timingSafeEqual } from 'node:crypto';
import { hmacHex } from './hmac.ts';

// The HMAC-SHA256 signatures of the Pusher protocol, as lower-case hex. Sources: Channels docs, "Generating
// authentication signatures", "User authentication", "HTTP API: authentication".

/**
 * What is signed for a channel: `channelData` is the raw string that was sent, on any guarded channel that sent one.
 */
export function channelSignature(secret: string, socketId: string, channel: string, channelData?: string): string {
  return hmacHex(
    secret,
    channelData === undefined ? `${socketId}:${channel}` : `${socketId}:${channel}:${channelData}`,
  );
}

export function userSignature(secret: string, socketId: string, userData: string): string {
  return hmacHex(secret, `${socketId}::user::${userData}`);
}

/** The `auth` value that a client forwards: `key:signature`. */
export function authValue(key: string, signature: string): string {
  return `${key}:${signature}`;
}

/** A signature in hex has 64 bytes. What is longer gets memory of its own. */
const SHORT_BYTES = 128;
const ours = Buffer.alloc(SHORT_BYTES);
const theirs = Buffer.alloc(SHORT_BYTES);

/** Compares in constant time; a length that differs tells nothing that the format does not. */
export function safeEqual(given: string, expected: string): boolean {
  const bytes = Buffer.byteLength(expected);
  if (Buffer.byteLength(given) !== bytes) return false;
  if (bytes > SHORT_BYTES) return timingSafeEqual(Buffer.from(given), Buffer.from(expected));
  // Both are compared in full, so what stands behind the text must be the same too.
  theirs.fill(0).write(given);
  ours.fill(0).write(expected);
  return timingSafeEqual(theirs, ours);
}

/** True if `auth` is exactly `key:signature`. */
export function isAuthValid(auth: string, key: string, signature: string): boolean {
  return safeEqual(auth, authValue(key, signature));
}

/** `body_md5` of a request: over the raw bytes. */
export function md5Hex(body: Uint8Array): string {
  return hash('md5', body, 'hex');
}

/** A digest by which things are told apart that are not to be kept as they are. */
export function sha256(text: string | Uint8Array): string {
  return hash('sha256', text, 'base64url');
}

/**
 * The string a backend signs: method, path and every query parameter but `auth_signature`, keys lower-cased and sorted,
 * values decoded. `query` holds decoded pairs.
 */
export function requestStringToSign(
  method: string,
  path: string,
  query: ReadonlyArray<readonly [string, string]>,
): string {
  const pairs: [string, string][] = [];
  // The libraries send their parameters sorted: then there is nothing to sort, on the way of every trigger.
  let sorted = true;
  let last = '';
  for (const [name, value] of query) {
    const key = name.toLowerCase();
    if (key === 'auth_signature') continue;
    if (key < last) sorted = false;
    last = key;
    pairs.push([key, value]);
  }
  if (!sorted) pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  let parameters = '';
  for (const [key, value] of pairs) parameters += parameters === '' ? `${key}=${value}` : `&${key}=${value}`;
  return `${method}\n${path}\n${parameters}`;
}

/** The key of an end-to-end encrypted channel: base64(SHA-256(channel name bytes ‖ 32-byte master key)). */
export function sharedSecret(channel: string, masterKey: Uint8Array): string {
  return createHash('sha256').update(channel, 'utf8').update(masterKey).digest('base64');
}
