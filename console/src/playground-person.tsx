import { useEffect, useRef, useState } from 'preact/hooks';
import type Pusher from 'pusher-js';
import { connect, type Member, membersOf, post, type Setup } from './playground-client.ts';

interface Line {
  readonly at: string;
  readonly what: string;
  readonly text: string;
  readonly kind: 'event' | 'own' | 'note' | 'bad';
}

const MAX_LINES = 200;
const CLAIMS = { domains: ['7'], chats: ['5'] };

/** One user with a connection of their own: joins channels, sees who is there, sends, and goes away. */
export function Person({ setup, user: firstUser, who }: { setup: Setup; user: string; who: string }) {
  const [user, setUser] = useState(firstUser);
  const [claims, setClaims] = useState(JSON.stringify({ name: who, ...CLAIMS }));
  const [wanted, setWanted] = useState(setup.signs ? 'presence-chat.5' : 'news');
  const [state, setState] = useState('not connected');
  const [isOffline, setOffline] = useState(false);
  const [channels, setChannels] = useState<readonly string[]>([]);
  const [members, setMembers] = useState<Readonly<Record<string, readonly Member[]>>>({});
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [text, setText] = useState('');
  const pusher = useRef<Pusher | undefined>(undefined);

  const say = (kind: Line['kind'], what: string, said = '') => {
    const at = new Date().toLocaleTimeString();
    setLines((before) => [{ at, what, text: said, kind }, ...before].slice(0, MAX_LINES));
  };
  useEffect(() => () => pusher.current?.disconnect(), []);

  const open = async (): Promise<Pusher> => {
    if (pusher.current !== undefined) return pusher.current;
    const signed = setup.signs
      ? await post<{ token: string }>('token', { user, claims: JSON.parse(claims) })
      : undefined;
    const opened = connect(setup, signed?.token, (channel) => say('bad', channel, 'events were missed for good'));
    opened.connection.bind('state_change', ({ current }: { current: string }) => setState(current));
    opened.connection.bind('error', ({ error }: { error?: { data?: { message?: string } } }) => {
      if (error?.data?.message !== undefined) say('bad', 'error', error.data.message);
    });
    pusher.current = opened;
    return opened;
  };

  const join = async (name: string) => {
    try {
      const channel = (await open()).subscribe(name);
      const refresh = () => setMembers((before) => ({ ...before, [name]: membersOf(channel) }));
      channel.unbind();
      let joins = 0;
      channel.bind('pusher:subscription_succeeded', () => {
        joins += 1;
        setChannels((before) => (before.includes(name) ? before : [...before, name]));
        refresh();
        say('note', 'joined', name);
      });
      channel.bind('pusher:subscription_error', ({ status }: { status: number }) => {
        say('bad', 'not allowed', `${name} (${status}): the server's log, or fanfare explain, says why`);
        pusher.current?.unsubscribe(name);
      });
      // It is told at the first join too, when there is nothing to resume yet.
      channel.bind('fanfare:resumed', (data: unknown) => {
        if (joins > 1) say('note', 'resumed', JSON.stringify(data));
      });
      for (const event of ['pusher:member_added', 'pusher:member_removed']) channel.bind(event, refresh);
      channel.bind_global((event: string, data: unknown) => {
        if (/^(?:pusher|fanfare)/.test(event)) return;
        say('event', event, typeof data === 'string' ? data : JSON.stringify(data));
      });
    } catch (error) {
      say('bad', 'error', error instanceof Error ? error.message : String(error));
    }
  };
  const leave = (name: string) => {
    pusher.current?.unsubscribe(name);
    setChannels((before) => before.filter((other) => other !== name));
  };
  const sendClientEvent = (name: string) => {
    const isSent = pusher.current?.channel(name)?.trigger('client-message', { text }) === true;
    say(isSent ? 'own' : 'bad', 'client-message', isSent ? text : 'not sent: offline, or the channel is not guarded');
    setText('');
  };
  const toggle = () => {
    if (isOffline) pusher.current?.connect();
    else pusher.current?.disconnect();
    setOffline(!isOffline);
  };
  const isOpen = pusher.current !== undefined;
  const guarded = channels.filter((name) => /^(?:private|presence)-/.test(name));

  return (
    <section class="person" aria-label={who}>
      <h2>
        {who} <span class={`state ${state}`}>{state}</span>
        <button type="button" class={isOffline ? 'primary' : ''} disabled={!isOpen} onClick={toggle}>
          {isOffline ? 'Come back' : 'Go offline'}
        </button>
      </h2>
      {setup.signs ? (
        <div class="row">
          <label>
            User
            <input value={user} disabled={isOpen} onInput={(event) => setUser(event.currentTarget.value)} />
          </label>
          <label class="wide">
            What the token says
            <input value={claims} disabled={isOpen} onInput={(event) => setClaims(event.currentTarget.value)} />
          </label>
        </div>
      ) : null}
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void join(wanted.trim());
        }}
      >
        <label class="wide">
          Channel
          <input value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        </label>
        <button type="submit" class="primary">
          Join
        </button>
      </form>
      <ul class="channels">
        {channels.map((name) => (
          <li key={name}>
            <b>{name}</b>
            <span class="members">{(members[name] ?? []).map((member) => member.name).join(', ')}</span>
            <button type="button" onClick={() => leave(name)}>
              Leave
            </button>
          </li>
        ))}
      </ul>
      {guarded.length === 0 ? null : (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            for (const name of guarded) sendClientEvent(name);
          }}
        >
          <label class="wide">
            Say to the others (a client event)
            <input value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </label>
          <button type="submit">Say</button>
        </form>
      )}
      <ol class="lines" aria-live="polite">
        {lines.map((line, index) => (
          <li key={lines.length - index} class={line.kind}>
            <time>{line.at}</time> <b>{line.what}</b> <code>{line.text}</code>
          </li>
        ))}
      </ol>
    </section>
  );
}
