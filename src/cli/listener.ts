import pusherModule from 'pusher-js';
import type { App } from '../core/contracts/app.ts';
import { channelKind } from '../protocol/channel-name.ts';
import { authValue, channelSignature } from '../protocol/signatures.ts';
import { askEndpoint } from './ask-endpoint.ts';
import type { ServerUrl } from './server-url.ts';

// The types say that the class is the module's `default`; in Node the class is the module itself.
const Pusher = pusherModule as unknown as typeof pusherModule.default;

/** By the server's authorization endpoint, or by signing ourselves, as a backend does. */
export type Authorization = { readonly token: string } | { readonly secret: string };

export interface ListenerEvents {
  subscribed(channel: string): void;
  refused(channel: string, reason: string): void;
  /** `data` is as it was sent if it is a text, else JSON. */
  event(channel: string, event: string, data: string): void;
  /** Something that may pass. */
  trouble(sentence: string): void;
  /** Nothing arrives any more. */
  ended(sentence: string): void;
}

export interface ListenerOptions {
  readonly server: ServerUrl;
  readonly app: App;
  readonly channels: readonly string[];
  readonly authorization: Authorization;
  readonly events: ListenerEvents;
}

export function startListener({ server, app, channels, authorization, events }: ListenerOptions): { stop(): void } {
  const pusher = new Pusher(app.key, {
    cluster: '',
    wsHost: server.hostname,
    wsPort: server.port,
    wssPort: server.port,
    wsPath: server.pathPrefix,
    forceTLS: server.tls,
    enabledTransports: ['ws', 'wss'],
    channelAuthorization:
      'token' in authorization
        ? {
            customHandler: ({ channelName, socketId }, callback) => {
              askEndpoint(server, app, authorization.token, channelName, socketId).then(
                (answer) => callback(null, answer),
                (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
              );
            },
          }
        : {
            customHandler: ({ channelName, socketId }, callback) =>
              callback(null, signed(app.key, authorization.secret, channelName, socketId)),
          },
  });

  let lastError = 'the connection was closed';
  pusher.connection.bind('error', (error: unknown) => {
    lastError = errorText(error) ?? lastError;
  });
  pusher.connection.bind('state_change', ({ current }: { current: string }) => {
    // The client never connects again from these two (Channels docs: connection states).
    if (current === 'disconnected' || current === 'failed') events.ended(`${server.origin}: ${lastError}`);
    else if (current === 'unavailable') events.trouble(`cannot reach ${server.origin}; trying again`);
  });
  for (const name of channels) {
    const channel = pusher.subscribe(name);
    channel.bind_global((event: string, data: unknown) => {
      if (event === 'pusher:subscription_succeeded') events.subscribed(name);
      else if (event === 'pusher:subscription_error') events.refused(name, refusalText(data));
      else events.event(name, event, typeof data === 'string' ? data : JSON.stringify(data ?? null));
    });
  }
  return {
    stop() {
      pusher.connection.unbind();
      pusher.disconnect();
    },
  };
}

function signed(key: string, secret: string, channel: string, socketId: string) {
  if (channelKind(channel).access !== 'presence') {
    return { auth: authValue(key, channelSignature(secret, socketId, channel)) };
  }
  const channelData = JSON.stringify({ user_id: `fanfare-listen-${process.pid}`, user_info: {} });
  return { auth: authValue(key, channelSignature(secret, socketId, channel, channelData)), channel_data: channelData };
}

/** `{"type":"AuthError","error":"…","status":403}`. */
function refusalText(data: unknown): string {
  const { status, error } = (data ?? {}) as { status?: unknown; error?: unknown };
  return [status, error].filter((part) => part !== undefined).join(' ') || 'no reason given';
}

/** `{"type":"PusherError","data":{"code":4001,"message":"…"}}`, or an error of the socket within `error`. */
function errorText(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { data, error: inner } = error as { data?: { code?: unknown; message?: unknown }; error?: unknown };
  if (data?.message !== undefined) return `${data.message} (${data.code})`;
  return inner === undefined ? undefined : errorText(inner);
}
