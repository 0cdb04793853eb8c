import Echo from 'laravel-echo';
import Pusher from 'pusher-js';

/**
 * Echo for a Next.js frontend; call it on the client only (in a `useEffect`, or a module that is imported by 'use
 * client' components). `token` is what GET /api/realtime-token gave for the user who is logged in.
 */
export function createEcho(token: string): Echo<'reverb'> {
  // Each written out in full: Next.js replaces these names as text when it builds.
  const key = process.env.NEXT_PUBLIC_PUSHER_APP_KEY;
  const host = process.env.NEXT_PUBLIC_PUSHER_HOST;
  const port = process.env.NEXT_PUBLIC_PUSHER_PORT;
  const scheme = process.env.NEXT_PUBLIC_PUSHER_SCHEME ?? 'https';
  if (key === undefined || host === undefined) throw new Error('NEXT_PUBLIC_PUSHER_APP_KEY and _HOST must be set');
  const tls = scheme === 'https';
  const number = port === undefined ? (tls ? 443 : 80) : Number(port);
  return new Echo<'reverb'>({
    broadcaster: 'reverb',
    Pusher,
    key,
    wsHost: host,
    wsPort: number,
    wssPort: number,
    forceTLS: tls,
    // Without this pusher-js also tries transports that Fanfare does not serve, and reports them as failures first.
    enabledTransports: ['ws', 'wss'],
    authEndpoint: `${scheme}://${host}:${number}/broadcasting/auth`,
    bearerToken: token,
  });
}
