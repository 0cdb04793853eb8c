import { useEffect, useState } from 'preact/hooks';
import type { Identity, Member, Setup } from './playground-client.ts';
import { type Line, useSession } from './playground-session.ts';

/** Somebody at a browser: who they are, and the channels that they are on. */
export interface Person {
  readonly identity: Identity;
  readonly channels: readonly string[];
}

interface PersonProps {
  readonly setup: Setup;
  /** `Ada`. */
  readonly who: string;
  readonly person: Person;
}

/** Lives on over a reload of the page, in this tab alone. */
function kept(who: string): Person | undefined {
  return (history.state as Record<string, Person> | null)?.[who];
}

/** One user with a connection of their own. Whoever signs in as somebody else begins anew, on the same channels. */
export function PersonCard({ setup, who, person: first }: PersonProps) {
  const [{ person, generation }, setStart] = useState({ person: kept(who) ?? first, generation: 0 });
  const keep = (changed: Person) => history.replaceState({ ...history.state, [who]: changed }, '');
  const becomes = (identity: Identity) => {
    setStart({ person: { identity, channels: (kept(who) ?? person).channels }, generation: generation + 1 });
  };
  return (
    <section class="card person" aria-label={who}>
      <Connected key={generation} {...{ setup, who, person, keep, becomes }} />
    </section>
  );
}

interface ConnectedProps extends PersonProps {
  keep(person: Person): void;
  becomes(identity: Identity): void;
}

function Connected({ setup, who, person: { identity, channels }, keep, becomes }: ConnectedProps) {
  const session = useSession(setup, identity, channels);
  useEffect(() => keep({ identity, channels: session.channels }), [session.channels]);
  const joined = session.channels.filter((name) => session.members[name] !== undefined);
  return (
    <>
      <header>
        <span class="avatar" aria-hidden="true">
          {who[0]}
        </span>
        <h2>{who}</h2>
        <span class={`state ${session.state}`}>{session.isOffline ? 'offline' : session.state}</span>
        <button type="button" class={session.isOffline ? 'primary' : ''} onClick={session.toggleOffline}>
          {session.isOffline ? 'Come back' : 'Go offline'}
        </button>
      </header>
      {setup.signs ? <Who identity={identity} isSignedIn={session.isSignedIn} onChange={becomes} /> : null}
      <ul class={session.state === 'connected' ? 'channels' : 'channels offline'} aria-label="Channels">
        {session.channels.map((name) => (
          <ChannelRow key={name} name={name} members={session.members[name]} onLeave={() => session.leave(name)} />
        ))}
      </ul>
      <Join onJoin={session.join} />
      <Say channels={joined.filter((name) => /^(?:private|presence)-/.test(name))} onSay={session.say} />
      <Lines lines={session.lines} />
    </>
  );
}

function Who(props: { identity: Identity; isSignedIn: boolean; onChange: (identity: Identity) => void }) {
  const [user, setUser] = useState(props.identity.user);
  const [claims, setClaims] = useState(props.identity.claims);
  const isObject = isJsonObject(claims);
  const isChanged = user !== props.identity.user || claims !== props.identity.claims;
  return (
    <details class="who">
      <summary>
        <b>user {props.identity.user}</b> <span>{props.isSignedIn ? 'signed in' : 'not signed in'}</span>
        <code>{props.identity.claims}</code>
      </summary>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          props.onChange({ user, claims });
        }}
      >
        <label class="short">
          User
          <input required value={user} onInput={(event) => setUser(event.currentTarget.value)} />
        </label>
        <label>
          What else the token says
          <input value={claims} aria-invalid={!isObject} onInput={(event) => setClaims(event.currentTarget.value)} />
        </label>
        <button type="submit" disabled={!isObject || !isChanged}>
          Sign in
        </button>
      </form>
      {isObject ? null : <p class="problem">The claims are an object, written as JSON.</p>}
    </details>
  );
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function ChannelRow(props: { name: string; members: readonly Member[] | undefined; onLeave: () => void }) {
  return (
    <li>
      <b>{props.name}</b>
      {props.members === undefined ? <span class="muted">joining …</span> : null}
      {props.members?.map((member) => (
        <span key={member.id} class="member">
          {member.name}
        </span>
      ))}
      <button type="button" class="quiet" aria-label={`Leave ${props.name}`} onClick={props.onLeave}>
        Leave
      </button>
    </li>
  );
}

function Join(props: { onJoin: (channel: string) => void }) {
  const [name, setName] = useState('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        props.onJoin(name.trim());
        setName('');
      }}
    >
      <input
        required
        aria-label="Channel"
        placeholder="another channel"
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit">Join</button>
    </form>
  );
}

/** Client events are for guarded channels. */
function Say(props: { channels: readonly string[]; onSay: (channel: string, text: string) => void }) {
  const [chosen, setChosen] = useState('');
  const [text, setText] = useState('');
  const channel = props.channels.includes(chosen) ? chosen : props.channels.at(-1);
  if (channel === undefined) return null;
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        props.onSay(channel, text);
        setText('');
      }}
    >
      <select aria-label="Say on" value={channel} onChange={(event) => setChosen(event.currentTarget.value)}>
        {props.channels.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <input
        required
        aria-label="Say to the others"
        placeholder="a client event to the others"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit">Say</button>
    </form>
  );
}

function Lines(props: { lines: readonly Line[] }) {
  if (props.lines.length === 0) return <p class="lines empty">Nothing has come yet.</p>;
  return (
    <ol class="lines" aria-live="polite" aria-label="What came, the last first">
      {props.lines.map(({ at, what, where, text, kind }, index) => (
        <li key={props.lines.length - index} class={kind}>
          <time>{at}</time> <b>{what}</b> <span class="muted">{where}</span> <code>{text}</code>
        </li>
      ))}
    </ol>
  );
}
