import { useState } from 'preact/hooks';
import { post } from './playground-client.ts';

const RECIPIENTS = {
  channel: { to: 'private-domain.7', event: 'message.sent', data: '{"text":"hello"}' },
  user: { to: '42', event: 'notification', data: '{"text":"for you"}' },
} as const;

type Kind = keyof typeof RECIPIENTS;

/** What a backend would do by the HTTP API. */
export function Send(props: { channel: string; toUsers: boolean }) {
  const [kind, setKind] = useState<Kind>('channel');
  const [drafts, setDrafts] = useState<Record<Kind, { to: string; event: string; data: string }>>({
    ...RECIPIENTS,
    channel: { ...RECIPIENTS.channel, to: props.channel },
  });
  const [said, setSaid] = useState({ text: '', isProblem: false });
  const { to, event, data } = drafts[kind];
  const edit = (change: Partial<typeof drafts.user>) => {
    setDrafts((before) => ({ ...before, [kind]: { ...before[kind], ...change } }));
  };
  const send = async () => {
    try {
      await post('trigger', { channel: kind === 'user' ? `#server-to-user-${to}` : to, event, data });
      setSaid({ text: `Sent at ${new Date().toLocaleTimeString('en-GB')}`, isProblem: false });
    } catch (error) {
      setSaid({ text: error instanceof Error ? error.message : String(error), isProblem: true });
    }
  };
  return (
    <form
      class="card send"
      aria-label="Backend"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        void send();
      }}
    >
      <header>
        <h2>Backend</h2>
        <output class={said.isProblem ? 'problem' : 'muted'}>{said.text}</output>
      </header>
      <div class="row">
        {props.toUsers ? (
          <label class="short">
            Send to a
            <select value={kind} onChange={(change) => setKind(change.currentTarget.value as Kind)}>
              <option value="channel">channel</option>
              <option value="user">user</option>
            </select>
          </label>
        ) : null}
        <label>
          {kind === 'user' ? 'User' : 'Channel'}
          <input required value={to} onInput={(change) => edit({ to: change.currentTarget.value })} />
        </label>
        <label>
          Event
          <input required value={event} onInput={(change) => edit({ event: change.currentTarget.value })} />
        </label>
        <label class="wide">
          Data
          <input value={data} onInput={(change) => edit({ data: change.currentTarget.value })} />
        </label>
        <button type="submit" class="primary">
          Send
        </button>
      </div>
    </form>
  );
}
