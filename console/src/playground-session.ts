import { useEffect, useRef, useState } from 'preact/hooks';
import type { Channel, default as Pusher } from 'pusher-js';
import {
  connect,
  type Identity,
  type Member,
  memberOf,
  membersOf,
  type RawMember,
  type Setup,
} from './playground-client.ts';

export interface Line {
  readonly at: string;
  readonly what: string;
  /** A channel, or a user. */
  readonly where: string;
  readonly text: string;
  readonly kind: 'event' | 'own' | 'note' | 'bad';
}

const MAX_LINES = 200;

export interface Session {
  /** As pusher-js calls it. */
  readonly state: string;
  readonly isOffline: boolean;
  readonly isSignedIn: boolean;
  /** Those that were asked for, in their order. */
  readonly channels: readonly string[];
  /** By channel: who is there. A channel that is not in it has not been joined yet. */
  readonly members: Readonly<Record<string, readonly Member[]>>;
  /** What happened, the last first. */
  readonly lines: readonly Line[];
  join(channel: string): void;
  leave(channel: string): void;
  /** Sends a client event. */
  say(channel: string, text: string): void;
  toggleOffline(): void;
}

/** A connection of one user for as long as the component is shown. */
export function useSession(setup: Setup, identity: Identity, first: readonly string[]): Session {
  const [state, setState] = useState('connecting');
  const [isOffline, setOffline] = useState(false);
  const [isSignedIn, setSignedIn] = useState(false);
  const [channels, setChannels] = useState<readonly string[]>([]);
  const [members, setMembers] = useState<Session['members']>({});
  const [lines, setLines] = useState<readonly Line[]>([]);
  const pusher = useRef<Pusher | undefined>(undefined);

  const tell = (kind: Line['kind'], what: string, where: string, text = '') => {
    const at = new Date().toLocaleTimeString('en-GB');
    setLines((before) => [{ at, what, where, text, kind }, ...before].slice(0, MAX_LINES));
  };
  const tellEvent = (where: string) => (event: string, data: unknown) => {
    if (/^(?:pusher|fanfare)/.test(event)) return;
    tell('event', event, where, typeof data === 'string' ? data : JSON.stringify(data));
  };
  const forget = (name: string) => {
    pusher.current?.unsubscribe(name);
    setChannels((before) => before.filter((other) => other !== name));
    setMembers(({ [name]: _, ...others }) => others);
  };

  const join = (name: string) => {
    if (pusher.current === undefined || pusher.current.channel(name) !== undefined) return;
    let channel: Channel;
    try {
      channel = pusher.current.subscribe(name);
    } catch (error) {
      tell('bad', 'not joined', name, error instanceof Error ? error.message : String(error));
      return;
    }
    setChannels((before) => [...before, name]);
    const refresh = () => setMembers((before) => ({ ...before, [name]: membersOf(channel) }));
    let joins = 0;
    channel.bind('pusher:subscription_succeeded', () => {
      joins += 1;
      refresh();
      tell('note', 'joined', name);
    });
    channel.bind('pusher:subscription_error', ({ error }: { error: string }) => {
      tell('bad', 'not allowed', name, error);
      forget(name);
    });
    // It is told at the first join too, when there is nothing to resume yet.
    channel.bind('fanfare:resumed', (data: unknown) => {
      if (joins > 1) tell('note', 'resumed', name, JSON.stringify(data));
    });
    for (const [event, what] of [
      ['pusher:member_added', 'came'],
      ['pusher:member_removed', 'left'],
    ] as const) {
      channel.bind(event, (member: RawMember) => {
        refresh();
        tell('note', what, name, memberOf(member).name);
      });
    }
    channel.bind_global(tellEvent(name));
  };

  const open = () => {
    const opened = connect(setup, identity, (channel) =>
      tell('bad', 'missed', channel, 'events that are gone for good'),
    );
    opened.connection.bind('state_change', ({ current }: { current: string }) => {
      setState(current);
      if (current !== 'connected') setSignedIn(false);
    });
    opened.connection.bind('error', ({ error }: { error?: { data?: { message?: string } } }) => {
      if (error?.data?.message !== undefined) tell('bad', 'error', '', error.data.message);
    });
    opened.bind('pusher:signin_success', () => setSignedIn(true));
    opened.user.bind('pusher:signin_error', ({ error }: { error: string }) => tell('bad', 'not signed in', '', error));
    opened.user.bind_global(tellEvent(`user ${identity.user}`));
    if (setup.signs) opened.signin();
    return opened;
  };

  // Once: another user is another component.
  useEffect(() => {
    const opened = open();
    pusher.current = opened;
    for (const name of first) join(name);
    return () => opened.disconnect();
  }, []);

  return {
    ...{ state, isOffline, isSignedIn, channels, members, lines },
    ...{ join, leave: forget },
    say: (name, text) => {
      const isSent = pusher.current?.channel(name)?.trigger('client-message', { text }) === true;
      if (isSent) tell('own', 'client-message', name, JSON.stringify({ text }));
      else tell('bad', 'not sent', name, 'there is no connection');
    },
    toggleOffline: () => {
      if (isOffline) pusher.current?.connect();
      else pusher.current?.disconnect();
      setOffline(!isOffline);
    },
  };
}
