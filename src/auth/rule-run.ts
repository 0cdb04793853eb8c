import { AsyncLocalStorage } from 'node:async_hooks';
import { printable } from '../protocol/channel-name.ts';

const MAX_REASON_LENGTH = 300;

/** One call of a team's rule, with everything that its code sets going, also after it has answered. */
export class RuleRun {
  /** For the log: the rule, and whom it was asked about. */
  readonly fields: object;
  readonly #token: string;
  readonly #refuse: (cause: unknown) => void;

  constructor(fields: object, token: string, refuse: (cause: unknown) => void) {
    this.fields = fields;
    this.#token = token;
    this.#refuse = refuse;
  }

  /** What the rule threw, as it may be logged: without the token, wherever the rule put it. */
  reasonOf(cause: unknown): string {
    const text = cause instanceof Error ? cause.message : String(cause);
    return printable(text.replaceAll(this.#token, '[token]'), MAX_REASON_LENGTH);
  }

  /** Refuses the request, if it has not been answered yet. */
  refuse(cause: unknown): void {
    this.#refuse(cause);
  }
}

const runs = new AsyncLocalStorage<RuleRun>();

export function duringRule<T>(run: RuleRun, rule: () => T): T {
  return runs.run(run, rule);
}

/**
 * The rule that is to blame for an error which nobody has caught; to be asked in the process's handlers for such
 * errors. Undefined if no rule is.
 */
export function ruleToBlame(): RuleRun | undefined {
  return runs.getStore();
}
