import { hmacHex } from '../../../src/protocol/hmac.ts';
import { md5Hex, requestStringToSign } from '../../../src/protocol/signatures.ts';

export const EVENT = 'message.sent';
/** What a delivered frame is to measure, all of it, in bytes. */
const FRAME_BYTES = 250;

/** Of a marker, in digits: of the publisher and of its sequence. */
export const PUBLISHER_DIGITS = 4;
export const SEQUENCE_DIGITS = 9;
/** How many publishers a marker can tell apart. */
export const MAX_PUBLISHERS = 10 ** PUBLISHER_DIGITS - 1;

export interface AppKeys {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

/**
 * The `data` of one event. It names its publisher and its place in the publisher's sequence with a fixed width, so that
 * a reader finds both at the same place of every frame: `@0001-000000042@`. Throws a RangeError if either is too large.
 */
export function eventData(channel: string, publisher: number, sequence: number): string {
  const marker = `@${digits(publisher, PUBLISHER_DIGITS)}-${digits(sequence, SEQUENCE_DIGITS)}@`;
  const head = `{"marker":"${marker}","text":"`;
  // The frame around it: {"event":"…","channel":"…","data":"…"}, with a backslash before each of the eight quotes.
  const around = JSON.stringify({ event: EVENT, channel, data: '' }).length + head.length + '"}'.length + 8;
  return `${head}${'x'.repeat(Math.max(0, FRAME_BYTES - around))}"}`;
}

function digits(value: number, count: number): string {
  const text = String(value);
  if (text.length > count) throw new RangeError(`${value} has more than the ${count} digits that a marker has for it`);
  return text.padStart(count, '0');
}

/** One POST of the Pusher HTTP API as bytes; signed as a backend library would, unless `app` is undefined. */
export function triggerRequest(appId: string, app: AppKeys | undefined, channel: string, data: string): Buffer {
  const path = `/apps/${appId}/events`;
  const body = Buffer.from(JSON.stringify({ name: EVENT, data, channels: [channel] }));
  const query = app === undefined ? '' : `?${signedQuery(app, path, body)}`;
  const head =
    `POST ${path}${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function signedQuery(app: AppKeys, path: string, body: Buffer): string {
  const query = [
    ['auth_key', app.key],
    ['auth_timestamp', String(Math.floor(Date.now() / 1000))],
    ['auth_version', '1.0'],
    ['body_md5', md5Hex(body)],
  ] as const;
  const signature = hmacHex(app.secret, requestStringToSign('POST', path, query));
  return `${query.map(([name, value]) => `${name}=${value}`).join('&')}&auth_signature=${signature}`;
}
