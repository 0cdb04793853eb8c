import { useState } from 'preact/hooks';
import { post, sentence } from './api.ts';
import { Problem } from './parts.tsx';

export interface Session {
  readonly needsToken: boolean;
  readonly allowed: boolean;
  readonly reason?: string;
}

export function Login(props: { session: Session; onLogin: () => void }) {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string>();
  const login = async () => {
    try {
      await post('login', { token });
      props.onLogin();
    } catch (error) {
      setProblem(sentence(error));
    }
  };
  return (
    <main class="login">
      <form
        class="panel form"
        onSubmit={(submitted) => {
          submitted.preventDefault();
          void login();
        }}
      >
        <h1>
          <img src="icon.svg" alt="" width="28" height="28" /> Fanfare
        </h1>
        {props.session.needsToken ? (
          <>
            <label>
              Admin token
              <input
                type="password"
                name="token"
                autocomplete="current-password"
                required
                value={token}
                autofocus
                onInput={(typed) => setToken(typed.currentTarget.value)}
              />
            </label>
            <Problem message={problem} />
            <button type="submit">Log in</button>
          </>
        ) : (
          <p class="problem">{props.session.reason}</p>
        )}
      </form>
    </main>
  );
}
