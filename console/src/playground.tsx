import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import '../playground.css';
import { post, type Setup } from './playground-client.ts';
import { PersonCard } from './playground-person.tsx';
import { Send } from './playground-send.tsx';

/** With tokens that the shipped rules let in; without tokens only public channels can be joined. */
const GUARDED = ['private-domain.7', 'presence-chat.5'];
const PUBLIC = ['news'];

const person = (user: string, name: string, { signs }: Setup) => ({
  identity: { user, claims: JSON.stringify({ name, domains: ['7'], chats: ['5'] }) },
  channels: signs ? GUARDED : PUBLIC,
});

function Playground() {
  const [setup, setSetup] = useState<Setup>();
  const [problem, setProblem] = useState('');
  useEffect(() => {
    post<Setup>('setup', {}).then(setSetup, (error: Error) => setProblem(error.message));
  }, []);
  return (
    <>
      <header class="top">
        <img src="playground/icon.svg" alt="" width="26" height="26" />
        <h1>Fanfare</h1>
        <span class="muted">playground</span>
        {setup === undefined ? null : (
          <span class="muted where">
            {location.host}
            <span>
              , app <code>{setup.key}</code>
            </span>
          </span>
        )}
      </header>
      {problem === '' ? null : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {setup === undefined ? null : (
        <main>
          <p class="intro">
            Two people, each with a connection of their own, and a backend that sends to them. Take one offline, send
            something, and bring them back: nothing is missed, and nothing comes twice.
          </p>
          <Send channel={setup.signs ? 'private-domain.7' : 'news'} toUsers={setup.signs} />
          <PersonCard setup={setup} who="Ada" person={person('42', 'Ada', setup)} />
          <PersonCard setup={setup} who="Grace" person={person('43', 'Grace', setup)} />
          <footer>For this machine alone, and in development only.</footer>
        </main>
      )}
    </>
  );
}

const root = document.getElementById('root');
if (root !== null) render(<Playground />, root);
