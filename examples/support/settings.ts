import Pusher from 'pusher';

/** What an example needs to know of the Fanfare that it talks to. */
export interface ExampleSettings {
  /** Where the backend reaches it: `http://127.0.0.1:6001`. */
  readonly fanfareUrl: string;
  /** Where browsers reach it; the same, unless a proxy stands in front. */
  readonly publicUrl: string;
  readonly appId: string;
  readonly key: string;
  readonly secret: string;
  /** What the backend signs its users' tokens with, and Fanfare verifies them by. */
  readonly jwtSecret: string;
}

/** From the environment, or the credentials that Fanfare has in development. */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): ExampleSettings {
  const fanfareUrl = env.EXAMPLE_FANFARE_URL ?? `http://127.0.0.1:${env.FANFARE_PORT ?? 6001}`;
  return {
    fanfareUrl,
    publicUrl: env.EXAMPLE_PUBLIC_URL ?? fanfareUrl,
    appId: env.PUSHER_APP_ID ?? 'app-id',
    key: env.PUSHER_APP_KEY ?? 'app-key',
    secret: env.PUSHER_APP_SECRET ?? 'app-secret',
    jwtSecret: env.JWT_SECRET ?? 'fanfare-development-jwt-secret-never-for-production',
  };
}

/** The official library, pointed at Fanfare instead of Pusher: host, port and TLS are all that differs. */
export function createPusher({ fanfareUrl, appId, key, secret }: ExampleSettings): Pusher {
  const { hostname, port, protocol } = new URL(fanfareUrl);
  const useTLS = protocol === 'https:';
  return new Pusher({ appId, key, secret, host: hostname, port: port || (useTLS ? '443' : '80'), useTLS });
}

/** What a page needs for `new Pusher(key, …)`. */
export function clientSettings({ publicUrl, key }: ExampleSettings) {
  const { hostname, port, protocol, origin } = new URL(publicUrl);
  const tls = protocol === 'https:';
  return { key, host: hostname, port: Number(port) || (tls ? 443 : 80), tls, origin };
}
