import { createMetrics, type Metrics } from '../core/contracts/metrics.ts';
import { AuthRefusal } from './refusals.ts';

/** Rules of this node that are under way: what one asks a backend is a connection each. */
const MAX_RULES_AT_ONCE = 1000;
/** Requests whose rule waits for its turn. */
const MAX_RULES_WAITING = 10_000;
/** How many of those under way and waiting may be one user's, so that nobody takes the turns of all. */
const MAX_RULES_OF_USER = 200;

const LIMITS = Object.freeze({ atOnce: MAX_RULES_AT_ONCE, waiting: MAX_RULES_WAITING, ofUser: MAX_RULES_OF_USER });

/** How many rules run at once, whatever they wait for. */
export class RuleTurns {
  readonly #metrics: Metrics;
  readonly #limits: Readonly<Record<keyof typeof LIMITS, number>>;
  readonly #ofUsers = new Map<string, number>();
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(metrics: Metrics = createMetrics(), limits: Readonly<Record<keyof typeof LIMITS, number>> = LIMITS) {
    this.#metrics = metrics;
    this.#limits = limits;
    metrics.bounds.push(
      { name: 'rules', limit: () => limits.atOnce, held: () => this.#running },
      { name: 'rules-waiting', limit: () => limits.waiting, held: () => this.#waiting.size },
    );
  }

  /** Runs a user's rule once it has its turn; rejects with an AuthRefusal if that does not come in time. */
  async run<T>(user: string, maxWaitSeconds: number, rule: () => Promise<T>): Promise<T> {
    const ofUser = this.#ofUsers.get(user) ?? 0;
    if (ofUser >= this.#limits.ofUser) {
      this.#metrics.refused.add('rules-of-user');
      throw new AuthRefusal('too_many_rules', `${ofUser} rules of this user are under way`);
    }
    this.#ofUsers.set(user, ofUser + 1);
    try {
      await this.#turn(maxWaitSeconds);
      try {
        return await rule();
      } finally {
        this.#giveTurnOn();
      }
    } finally {
      const left = (this.#ofUsers.get(user) ?? 1) - 1;
      if (left > 0) this.#ofUsers.set(user, left);
      else this.#ofUsers.delete(user);
    }
  }

  async #turn(maxWaitSeconds: number): Promise<void> {
    if (this.#running < this.#limits.atOnce) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.size >= this.#limits.waiting) throw this.#busy('rules-waiting');
    await new Promise<void>((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(begin);
        reject(this.#busy('rules'));
      }, maxWaitSeconds * 1000);
      this.#waiting.add(begin);
    });
  }

  #giveTurnOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  #busy(bound: 'rules' | 'rules-waiting'): AuthRefusal {
    this.#metrics.refused.add(bound);
    return new AuthRefusal('too_many_rules', `${this.#running} rules are under way on this node`);
  }
}
