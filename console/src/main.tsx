import 'uplot/dist/uPlot.min.css';
import '../console.css';
import { render } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { get, post, sentence } from './api.ts';
import { ChannelsView } from './channels.tsx';
import { ConnectionsView } from './connections.tsx';
import { EventsView } from './events.tsx';
import { ExplainView } from './explain.tsx';
import { Login, type Session } from './login.tsx';
import { Overview } from './overview.tsx';
import { Problem } from './parts.tsx';
import { usePolled } from './polled.ts';
import type { Overview as OverviewAnswer } from './types.ts';

const TABS = [
  ['overview', 'Overview'],
  ['channels', 'Channels'],
  ['events', 'Events'],
  ['connections', 'Connections'],
  ['explain', 'Explain'],
] as const;
type Tab = (typeof TABS)[number][0];

function tabOfHash(): Tab {
  const name = location.hash.slice(1);
  return TABS.find(([tab]) => tab === name)?.[0] ?? 'overview';
}

function Root() {
  const [session, setSession] = useState<Session>();
  const [problem, setProblem] = useState<string>();
  const look = useCallback(() => {
    get<Session>('session').then(setSession, (error: unknown) => setProblem(sentence(error)));
  }, []);
  useEffect(look, [look]);
  if (session === undefined) return <Problem message={problem} />;
  return session.allowed ? <Console session={session} onLeave={look} /> : <Login session={session} onLogin={look} />;
}

function Console(props: { session: Session; onLeave: () => void }) {
  const [tab, setTab] = useState(tabOfHash);
  const [chosenApp, setApp] = useState<string>();
  const { data, problem } = usePolled(() => get<OverviewAnswer>('api/overview', { brief: '1' }), 'apps', 30_000);
  useEffect(() => {
    const onHash = () => setTab(tabOfHash());
    addEventListener('hashchange', onHash);
    document.addEventListener('keydown', onKey);
    return () => {
      removeEventListener('hashchange', onHash);
      document.removeEventListener('keydown', onKey);
    };
  }, []);
  useEffect(() => {
    // On a phone the tabs are wider than the screen.
    document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [tab]);
  const app = chosenApp ?? data?.apps[0]?.id ?? '';
  const logout = async () => {
    await post('logout');
    props.onLeave();
  };
  return (
    <>
      <header class="top">
        <a class="brand" href="#overview">
          <img src="icon.svg" alt="" width="24" height="24" /> Fanfare
        </a>
        <nav aria-label="Views">
          {TABS.map(([name, label], index) => (
            <a key={name} href={`#${name}`} aria-current={tab === name ? 'page' : undefined} title={`Key ${index + 1}`}>
              {label}
            </a>
          ))}
        </nav>
        <span class="top-end">
          {data !== undefined && data.apps.length > 1 && (
            <select aria-label="App" value={app} onChange={(typed) => setApp(typed.currentTarget.value)}>
              {data.apps.map(({ id }) => (
                <option key={id} value={id}>
                  {id}
                </option>
              ))}
            </select>
          )}
          {props.session.needsToken && (
            <button type="button" class="quiet" onClick={() => void logout()}>
              Log out
            </button>
          )}
        </span>
      </header>
      <main>
        <Problem message={problem} />
        {tab === 'overview' && <Overview />}
        {data !== undefined && tab === 'channels' && <ChannelsView app={app} />}
        {data !== undefined && tab === 'events' && <EventsView app={app} />}
        {data !== undefined && tab === 'connections' && <ConnectionsView app={app} />}
        {data !== undefined && tab === 'explain' && <ExplainView app={app} canExplain={data.canExplain} />}
      </main>
      <footer>
        <kbd>1</kbd>–<kbd>5</kbd> views · <kbd>/</kbd> search · <kbd>Esc</kbd> closes
      </footer>
    </>
  );
}

/** Keys that work wherever nothing is being typed. */
function onKey(event: KeyboardEvent): void {
  const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
  if (isTyping || event.metaKey || event.ctrlKey || event.altKey) return;
  const tab = TABS[Number(event.key) - 1];
  if (tab !== undefined) location.hash = tab[0];
  if (event.key === '/') {
    event.preventDefault();
    document.querySelector<HTMLElement>('[data-search]')?.focus();
  }
}

const root = document.getElementById('root');
if (root !== null) render(<Root />, root);
