import type { App } from '../core/contracts/app.ts';
import type { Fact } from '../core/contracts/outbox.ts';
import { hmacHex } from '../protocol/hmac.ts';

/** What an endpoint is sent. */
export interface Payload {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @param timeMs of the batch, the same in each attempt to send it. (Channels docs: webhooks, security) */
export function payloadOf(app: App, facts: readonly Fact[], timeMs: number): Payload {
  const body = JSON.stringify({ time_ms: timeMs, events: facts.map(eventOf) });
  return {
    body,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      'User-Agent': 'Fanfare-Webhooks',
      'X-Pusher-Key': app.key,
      'X-Pusher-Signature': hmacHex(app.secret, body),
    },
  };
}

/** `id` is not of the protocol: by it a receiver knows an event that it has had already. */
function eventOf({ kind, channel, userId, detail, id }: Fact): object {
  const more = detail === undefined ? {} : (JSON.parse(detail) as object);
  return { name: kind, channel, user_id: userId, ...more, id };
}
