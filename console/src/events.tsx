import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { post, queryOf, sentence } from './api.ts';
import { bytes, clock, nodeName, pretty } from './format.ts';
import { Badge, Empty, Panel, Problem } from './parts.tsx';
import { addBatch, type Row } from './tail-rows.ts';
import type { TailBatch } from './types.ts';

interface Filter {
  readonly channel: string;
  readonly event: string;
  readonly internal: boolean;
}

/** What passes, and a form to add to it. */
export function EventsView(props: { app: string }) {
  return (
    <div class="split">
      <Tail app={props.app} />
      <Creator app={props.app} />
    </div>
  );
}

function Tail(props: { app: string }) {
  const [filter, setFilter] = useState<Filter>({ channel: '', event: '', internal: false });
  const [paused, setPaused] = useState(false);
  const [state, setState] = useState<'connecting' | 'open' | 'lost'>('connecting');
  const rows = useRef<readonly Row[]>([]);
  const skipped = useRef(0);
  const [, redraw] = useReducer((turn: number) => turn + 1, 0);
  const { channel, event, internal } = filter;

  useEffect(() => {
    if (paused) return;
    // A filter is sent when its typing has paused.
    let source: EventSource | undefined;
    const timer = setTimeout(() => {
      const query = queryOf({ app: props.app, channel, event, internal: internal ? '1' : '' });
      source = new EventSource(`api/tail${query}`);
      source.onopen = () => setState('open');
      source.onerror = () => setState('lost');
      source.onmessage = (message: MessageEvent<string>) => {
        const batch = JSON.parse(message.data) as TailBatch;
        rows.current = addBatch(rows.current, batch.entries);
        skipped.current += batch.skipped;
        redraw(0);
      };
    }, 200);
    return () => {
      clearTimeout(timer);
      source?.close();
    };
  }, [props.app, channel, event, internal, paused]);

  useEffect(() => {
    const onKey = (pressed: KeyboardEvent) => {
      const isTyping = pressed.target instanceof HTMLElement && pressed.target.matches('input, textarea, select');
      if (pressed.key === 'p' && !isTyping && !pressed.metaKey && !pressed.ctrlKey) setPaused((before) => !before);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  const clear = () => {
    rows.current = [];
    skipped.current = 0;
    redraw(0);
  };
  return (
    <Panel
      title="Live events"
      flush
      aside={
        <span class="actions">
          <LiveState paused={paused} state={state} />
          <button type="button" class="quiet" onClick={() => setPaused(!paused)}>
            {paused ? 'Go on' : 'Pause'} <kbd>p</kbd>
          </button>
          <button type="button" class="quiet" onClick={clear}>
            Clear
          </button>
        </span>
      }
    >
      <div class="filters">
        <input
          type="search"
          data-search
          placeholder="Channel has…"
          aria-label="Channel has"
          value={channel}
          onInput={(typed) => setFilter({ ...filter, channel: typed.currentTarget.value })}
        />
        <input
          type="search"
          placeholder="Event has…"
          aria-label="Event has"
          value={event}
          onInput={(typed) => setFilter({ ...filter, event: typed.currentTarget.value })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={internal}
            onChange={(typed) => setFilter({ ...filter, internal: typed.currentTarget.checked })}
          />
          the server's own
        </label>
      </div>
      {skipped.current > 0 && (
        <p class="notice">{skipped.current} more passed than are shown: narrow the filter to see each.</p>
      )}
      {rows.current.length === 0 ? (
        <Empty>Nothing yet. Events appear as they pass.</Empty>
      ) : (
        <ol class="tail">
          {rows.current.map((row) => (
            <TailLine key={row.key} row={row} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

function LiveState(props: { paused: boolean; state: 'connecting' | 'open' | 'lost' }) {
  if (props.paused) return <Badge tone="warn">paused</Badge>;
  if (props.state === 'lost') return <Badge tone="bad">reconnecting</Badge>;
  return props.state === 'open' ? <Badge tone="good">live</Badge> : <Badge>connecting</Badge>;
}

function TailLine(props: { row: Row }) {
  const { row } = props;
  const tones = { backend: 'info', client: 'good', server: undefined } as const;
  return (
    <li>
      <details>
        <summary>
          <time>{clock(row.atMs)}</time>
          <Badge tone={tones[row.source]}>{row.source}</Badge>
          <span class="tail-what">
            <b class="mono">{row.event}</b> <span class="mono muted">{row.channel}</span>
          </span>
          <code class="tail-data">{row.data.slice(0, 160)}</code>
          <span class="num muted" title="Sockets that were sent it">
            → {row.receivers}
          </span>
        </summary>
        <div class="tail-more">
          <p class="muted">
            {bytes(row.bytes)} · id <span class="mono">{row.id}</span>
            {row.userId !== undefined && <> · by user {row.userId}</>} · {row.nodes.map(nodeName).join(', ')}
          </p>
          <pre>{pretty(row.data)}</pre>
        </div>
      </details>
    </li>
  );
}

function Creator(props: { app: string }) {
  const [channel, setChannel] = useState('');
  const [name, setName] = useState('');
  const [data, setData] = useState('{\n  "text": "hello"\n}');
  const [said, setSaid] = useState<{ readonly good: boolean; readonly text: string }>();
  const send = async () => {
    try {
      await post('api/events', { app: props.app, channel, name, data });
      setSaid({ good: true, text: `Sent ${name} to ${channel}.` });
    } catch (error) {
      setSaid({ good: false, text: sentence(error) });
    }
  };
  const isJson = isJsonText(data);
  return (
    <Panel title="Send an event">
      <form
        class="form"
        onSubmit={(submitted) => {
          submitted.preventDefault();
          void send();
        }}
        onKeyDown={(pressed) => {
          if (pressed.key === 'Enter' && (pressed.metaKey || pressed.ctrlKey)) void send();
        }}
      >
        <label>
          Channel
          <input class="mono" required value={channel} onInput={(typed) => setChannel(typed.currentTarget.value)} />
        </label>
        <label>
          Event
          <input class="mono" required value={name} onInput={(typed) => setName(typed.currentTarget.value)} />
        </label>
        <label>
          Data
          <textarea
            class="mono"
            rows={8}
            spellcheck={false}
            value={data}
            onInput={(typed) => setData(typed.currentTarget.value)}
          />
        </label>
        {!isJson && <p class="notice">This is no JSON: it is sent as the text that it is.</p>}
        <p class="actions">
          <button type="submit">Send</button>
          <small class="muted">Ctrl+Enter sends</small>
        </p>
        {said?.good === true && <p role="status">{said.text}</p>}
        <Problem message={said?.good === false ? said.text : undefined} />
      </form>
    </Panel>
  );
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
