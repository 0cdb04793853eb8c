import Pusher, { type Channel, type Options } from 'pusher-js';
import { resumable } from '../../client/index.ts';

export interface Setup {
  /** The key of the first app. */
  readonly key: string;
  /** Whether the server can sign tokens, and so let anyone join guarded channels as its rules say. */
  readonly signs: boolean;
}

/** Who a token is for, and what else it says: an object as JSON. */
export interface Identity {
  readonly user: string;
  readonly claims: string;
}

/** The path that the page was served at, without its last slash. */
const BASE = location.pathname.replace(/\/[^/]*$/, '');

/** Asks the server as the page itself; rejects with its sentence. */
export async function post<T>(action: string, body: object): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  return await ask<T>(`playground/${action}`, { headers, body: JSON.stringify(body) });
}

async function ask<T>(path: string, request: Pick<RequestInit, 'headers' | 'body'>): Promise<T> {
  const response = await fetch(`${BASE}/${path}`, { method: 'POST', ...request });
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as T;
  throw new Error(text.startsWith('{') ? sentence(JSON.parse(text) as Refusal) : text);
}

/** What the authorization endpoint says in development, or the playground itself. */
interface Refusal {
  readonly error: string;
  readonly reason?: string;
  readonly hint?: string;
}

function sentence({ error, reason, hint }: Refusal): string {
  return [reason ?? error, ...(hint === undefined ? [] : [hint])].join('; ');
}

/** A stock client whose every event arrives once, over whatever happens to its connection. */
export function connect(setup: Setup, identity: Identity, onGap: (channel: string) => void): Pusher {
  const port = Number(location.port) || (location.protocol === 'https:' ? 443 : 80);
  const options = {
    ...{ wsHost: location.hostname, wsPort: port, wssPort: port },
    ...{ httpHost: location.hostname, httpPort: port, httpsPort: port },
    ...(BASE === '' ? {} : { wsPath: BASE, httpPath: BASE }),
    forceTLS: location.protocol === 'https:',
    cluster: '',
    ...(setup.signs ? authorization(setup, identity) : {}),
  };
  return new Pusher(setup.key, resumable(Pusher, options, { onGap }));
}

/** As pusher-js would ask by itself, but with a token that is new each time, and with the reason for a no. */
function authorization({ key }: Setup, { user, claims }: Identity): Pick<Options, AuthorizationOptions> {
  const asked = async <T>(path: string, fields: Record<string, string>): Promise<T> => {
    const { token } = await post<{ token: string }>('token', { user, claims: JSON.parse(claims) });
    const headers = { Authorization: `Bearer ${token}` };
    return await ask<T>(`broadcasting/${path}`, { headers, body: new URLSearchParams({ ...fields, app_key: key }) });
  };
  const answer = <T>(
    done: (error: Error | null, data: T | null) => void,
    path: string,
    fields: Record<string, string>,
  ) => {
    asked<T>(path, fields).then(
      (data) => done(null, data),
      (error: Error) => done(error, null),
    );
  };
  return {
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) =>
        answer(done, 'auth', { socket_id: socketId, channel_name: channelName }),
    },
    userAuthentication: {
      customHandler: ({ socketId }, done) => answer(done, 'user-auth', { socket_id: socketId }),
    },
  };
}

type AuthorizationOptions = 'channelAuthorization' | 'userAuthentication';

export interface Member {
  readonly id: string;
  readonly name: string;
}

/** A member as pusher-js tells of one. */
export interface RawMember {
  readonly id: string;
  readonly info?: { readonly name?: string } | null;
}

export function memberOf({ id, info }: RawMember): Member {
  return { id, name: info?.name ?? id };
}

/** Who is on a presence channel; nobody is known to be on another. */
export function membersOf(channel: Channel): readonly Member[] {
  const found: Member[] = [];
  const { members } = channel as Channel & { members?: { each(each: (member: RawMember) => void): void } };
  members?.each((member) => found.push(memberOf(member)));
  return found;
}
