import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import '../playground.css';
import { post, type Setup } from './playground-client.ts';
import { Person } from './playground-person.tsx';
import { Send } from './playground-send.tsx';

function Playground() {
  const [setup, setSetup] = useState<Setup>();
  const [problem, setProblem] = useState('');
  useEffect(() => {
    post<Setup>('setup', {}).then(setSetup, (error: Error) => setProblem(error.message));
  }, []);
  return (
    <>
      <header>
        <h1>Fanfare playground</h1>
        <p>
          Two people on one channel, and a backend that sends. Take one of them offline, send something, and bring them
          back: nothing is missed. Only this machine sees this page, and only in development.
        </p>
      </header>
      {problem === '' ? null : <p class="problem">{problem}</p>}
      {setup === undefined ? null : (
        <main>
          <Send />
          <Person setup={setup} user="42" who="Ada" />
          <Person setup={setup} user="43" who="Grace" />
        </main>
      )}
    </>
  );
}

const root = document.getElementById('root');
if (root !== null) render(<Playground />, root);
