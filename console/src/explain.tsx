import { useState } from 'preact/hooks';
import { post, sentence } from './api.ts';
import { Badge, Facts, Panel, Problem } from './parts.tsx';
import type { Explanation } from './types.ts';

const STEPS = { app: 'App', channel: 'Channel', token: 'Token', rule: 'Rule', answer: 'Its answer' } as const;

/** Who may join what, and why. */
export function ExplainView(props: { app: string; canExplain: boolean }) {
  const [channel, setChannel] = useState('');
  const [token, setToken] = useState('');
  const [answer, setAnswer] = useState<Explanation>();
  const [problem, setProblem] = useState<string>();
  const ask = async () => {
    setProblem(undefined);
    try {
      setAnswer(await post<Explanation>('api/explain', { app: props.app, channel, token }));
    } catch (error) {
      setAnswer(undefined);
      setProblem(sentence(error));
    }
  };
  if (!props.canExplain) {
    return (
      <Panel title="Explain an authorization">
        <p class="empty">This server does not authorize: auth.enabled is false.</p>
      </Panel>
    );
  }
  return (
    <div class="split even">
      <Panel title="Explain an authorization">
        <form
          class="form"
          onSubmit={(submitted) => {
            submitted.preventDefault();
            void ask();
          }}
        >
          <label>
            Channel
            <input
              class="mono"
              required
              data-search
              placeholder="private-domain.7"
              value={channel}
              onInput={(typed) => setChannel(typed.currentTarget.value)}
            />
          </label>
          <label>
            Token of the user
            <textarea
              class="mono"
              required
              rows={6}
              spellcheck={false}
              autocomplete="off"
              placeholder="eyJ…"
              value={token}
              onInput={(typed) => setToken(typed.currentTarget.value)}
            />
          </label>
          <p class="actions">
            <button type="submit">Explain</button>
            <small class="muted">The rule runs for real; no signature is given.</small>
          </p>
          <Problem message={problem} />
        </form>
      </Panel>
      {answer !== undefined && <Answer answer={answer} />}
    </div>
  );
}

function Answer(props: { answer: Explanation }) {
  const { answer } = props;
  const granted = answer.outcome === 'granted';
  return (
    <Panel title="Answer" aside={<Badge tone={granted ? 'good' : 'bad'}>{granted ? 'granted' : 'refused'}</Badge>}>
      <p class="verdict">{answer.reason}</p>
      <ol class="steps">
        {answer.steps.map(({ step, passed, detail }) => (
          <li key={step} class={passed ? 'passed' : 'failed'}>
            <b>{STEPS[step]}</b> <span>{detail}</span>
          </li>
        ))}
      </ol>
      <Facts
        rows={[
          ...(answer.code === undefined ? [] : ([['Code', <code key="code">{answer.code}</code>]] as const)),
          ...(answer.rule === undefined
            ? []
            : ([
                ['Rule', <code key="rule">{answer.rule.pattern}</code>],
                ['File', answer.rule.file],
              ] as const)),
          ...(answer.claimsRead.length === 0 ? [] : ([['Claims read', answer.claimsRead.join(', ')]] as const)),
          ...(answer.user === undefined ? [] : ([['User', <code key="user">{answer.user.id}</code>]] as const)),
        ]}
      />
      {answer.user !== undefined && (
        <>
          <h3>Claims</h3>
          <pre>{JSON.stringify(answer.user.claims, null, 2)}</pre>
        </>
      )}
      {answer.info !== undefined && (
        <>
          <h3>What other members see</h3>
          <pre>{JSON.stringify(answer.info, null, 2)}</pre>
        </>
      )}
    </Panel>
  );
}
