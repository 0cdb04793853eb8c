import Pusher, { type Channel } from 'pusher-js';
import { resumable } from '../../client/index.ts';

export interface Setup {
  /** Of the first app. */
  readonly key: string;
  /** Whether the server can sign tokens, and so let anyone join guarded channels as its rules say. */
  readonly signs: boolean;
}

/** The path that the page was served at, without its last slash. */
const BASE = location.pathname.replace(/\/[^/]*$/, '');

/** Asks the server; rejects with its sentence. */
export async function post<T>(action: string, body: object): Promise<T> {
  const response = await fetch(`${BASE}/playground/${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as T;
  throw new Error(text.startsWith('{') ? (JSON.parse(text) as { error: string }).error : text);
}

/** A stock client whose every event arrives once, over whatever happens to its connection. */
export function connect({ key }: Setup, token: string | undefined, onGap: (channel: string) => void): Pusher {
  const port = Number(location.port) || (location.protocol === 'https:' ? 443 : 80);
  const options = {
    ...{ wsHost: location.hostname, wsPort: port, wssPort: port },
    ...{ httpHost: location.hostname, httpPort: port, httpsPort: port },
    ...(BASE === '' ? {} : { wsPath: BASE, httpPath: BASE }),
    forceTLS: location.protocol === 'https:',
    cluster: '',
    channelAuthorization: {
      transport: 'ajax' as const,
      endpoint: `${BASE}/broadcasting/auth`,
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      params: { app_key: key },
    },
  };
  return new Pusher(key, resumable(Pusher, options, { onGap }));
}

export interface Member {
  readonly id: string;
  readonly name: string;
}

/** Who is on a presence channel; nobody is known to be on another. */
export function membersOf(channel: Channel): readonly Member[] {
  const found: Member[] = [];
  const { members } = channel as Channel & {
    members?: { each(each: (member: { id: string; info?: { name?: string } }) => void): void };
  };
  members?.each(({ id, info }) => found.push({ id, name: info?.name ?? id }));
  return found;
}
