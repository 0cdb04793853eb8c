import { createRequire } from 'node:module';
import Echo, { type BroadcastDriver } from 'laravel-echo';
import type { Options, default as PusherModule } from 'pusher-js';
import type { Test } from 'tap';
import { channelAuth, userAuth } from './signing.ts';
import type { Target } from './target.ts';
import { within } from './wait.ts';

/** The stock client. Its types tell of a default export, its CommonJS build is the class itself. */
export const Pusher = createRequire(import.meta.url)('pusher-js') as typeof PusherModule.default;
type PusherClient = InstanceType<typeof PusherModule.default>;

/** Anything of pusher-js or Echo that one binds to. */
interface Emitter {
  bind(event: string, callback: (data: unknown, metadata?: unknown) => void): unknown;
  unbind(event: string, callback: (data: unknown, metadata?: unknown) => void): unknown;
}

/** The next time that this event is emitted: its data. */
export async function emitted(emitter: Emitter, event: string, limitMs?: number): Promise<unknown> {
  let listener: (data: unknown) => void = () => undefined;
  const arrival = new Promise<unknown>((resolve) => {
    listener = resolve;
    emitter.bind(event, listener);
  });
  try {
    return await within(arrival, `the event ${event}`, limitMs);
  } finally {
    emitter.unbind(event, listener);
  }
}

/** Who a client is, where its application asks: in presence channels and on signing in. */
export interface ClientUser {
  readonly id: string;
  readonly user_info?: unknown;
  readonly watchlist?: readonly string[];
}

/** Options that point the stock client at the target; a backend of this process signs for it. */
export function clientOptions(target: Target, user?: ClientUser): Options {
  const { hostname, port, protocol } = new URL(target.origin);
  return {
    cluster: '',
    wsHost: hostname,
    wsPort: Number(port),
    wssPort: Number(port),
    forceTLS: protocol === 'https:',
    httpHost: hostname,
    httpPort: Number(port),
    httpsPort: Number(port),
    enabledTransports: [target.transport ?? 'ws'],
    disableStats: true,
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, callback) => {
        const member = channelName.startsWith('presence-') && user !== undefined;
        const channelData = member ? JSON.stringify({ user_id: user.id, user_info: user.user_info }) : undefined;
        const auth = channelAuth(target, socketId, channelName, channelData);
        callback(null, channelData === undefined ? { auth } : { auth, channel_data: channelData });
      },
    },
    userAuthentication: {
      customHandler: ({ socketId }, callback) => {
        const userData = JSON.stringify(user);
        callback(null, { auth: userAuth(target, socketId, userData), user_data: userData });
      },
    },
  };
}

/** A stock client, created and not yet connected; it is disconnected with the test. */
export function createPusher(t: Test, target: Target, options: Partial<Options> = {}, user?: ClientUser): PusherClient {
  const pusher = new Pusher(target.key, { ...clientOptions(target, user), ...options });
  t.teardown(() => pusher.disconnect());
  return pusher;
}

/** A stock client that has connected. */
export async function connectPusher(
  t: Test,
  target: Target,
  options: Partial<Options> = {},
  user?: ClientUser,
): Promise<PusherClient> {
  const pusher = createPusher(t, target, options, user);
  await emitted(pusher.connection, 'connected');
  return pusher;
}

/** Laravel Echo over the stock client, connected. */
export async function connectEcho<T extends Extract<BroadcastDriver, 'pusher' | 'reverb'>>(
  t: Test,
  target: Target,
  broadcaster: T,
  options: Record<string, unknown> = {},
  user?: ClientUser,
): Promise<Echo<'pusher'>> {
  const settings: Record<string, unknown> = {
    key: target.key,
    ...clientOptions(target, user),
    Pusher,
    withoutInterceptors: true,
    ...options,
  };
  // Reverb's connector is the Pusher one with an empty cluster; so is its type.
  if (broadcaster === 'reverb') delete settings.cluster;
  // pusher-js looks for the name of an option, not for its value.
  for (const name of Object.keys(settings)) if (settings[name] === undefined) delete settings[name];
  const echo = new Echo<'pusher'>({ ...settings, broadcaster: broadcaster as 'pusher' });
  t.teardown(() => echo.disconnect());
  await emitted(echo.connector.pusher.connection, 'connected');
  return echo;
}
