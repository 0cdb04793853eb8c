import type Echo from 'laravel-echo';
import type { Test } from 'tap';
import { connectEcho } from '../pusher-client.ts';
import type { Target } from '../target.ts';

/** Echo as a user of the target's own authorization endpoint. */
export async function connectEchoAs(
  t: Test,
  target: Target,
  token: string,
  options: Record<string, unknown> = {},
): Promise<Echo<'pusher'>> {
  const headers = { Authorization: `Bearer ${token}` };
  return await connectEcho(t, target, 'reverb', {
    channelAuthorization: { transport: 'ajax', endpoint: `${target.origin}/broadcasting/auth`, headers },
    userAuthentication: { transport: 'ajax', endpoint: `${target.origin}/broadcasting/user-auth`, headers },
    ...options,
  });
}
