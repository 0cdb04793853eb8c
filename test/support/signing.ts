import { createHash, createHmac } from 'node:crypto';

/**
 * The signatures of the Pusher protocol, written apart from the server's own so that one mistake cannot hide in both.
 * test/conformance/vectors.test.ts holds them against the published vectors.
 */
export interface Credentials {
  readonly key: string;
  readonly secret: string;
}

export function hmac(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text, 'utf8').digest('hex');
}

export function md5(body: string | Uint8Array): string {
  return createHash('md5').update(body).digest('hex');
}

/** `key:signature` for a channel; `channelData` is the exact string that will be sent. */
export function channelAuth(app: Credentials, socketId: string, channel: string, channelData?: string): string {
  const text = channelData === undefined ? `${socketId}:${channel}` : `${socketId}:${channel}:${channelData}`;
  return `${app.key}:${hmac(app.secret, text)}`;
}

/** `key:signature` for a sign-in. */
export function userAuth(app: Credentials, socketId: string, userData: string): string {
  return `${app.key}:${hmac(app.secret, `${socketId}::user::${userData}`)}`;
}

/** The HMAC of an HTTP API request. `params` holds decoded values. */
export function requestSignature(secret: string, method: string, path: string, params: Record<string, string>): string {
  const query = Object.entries(params)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return hmac(secret, `${method}\n${path}\n${query}`);
}
