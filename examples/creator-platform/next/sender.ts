import Pusher from 'pusher';
import { Sender } from '../send.ts';

let sender: Sender | undefined;

/**
 * The server's one sender, made when first asked for: Next.js imports modules while it builds, without the environment.
 */
export function platformSender(): Sender {
  sender ??= new Sender(
    new Pusher({
      appId: required('PUSHER_APP_ID'),
      key: required('PUSHER_APP_KEY'),
      secret: required('PUSHER_APP_SECRET'),
      host: required('PUSHER_HOST'),
      port: process.env.PUSHER_PORT ?? '443',
      useTLS: (process.env.PUSHER_SCHEME ?? 'https') === 'https',
    }),
  );
  return sender;
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} must be set`);
  return value;
}
