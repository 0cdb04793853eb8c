import type { Config } from '../config/schema.ts';
import { inForceAfter } from '../config/settled.ts';
import type { Current } from '../core/contracts/current.ts';

/** The configuration that holds. A reload replaces it as a whole; what waits for a restart stays as it was started. */
export class ConfigInForce {
  readonly started: Config;
  #now: Config;

  constructor(started: Config) {
    this.started = started;
    this.#now = started;
  }

  get now(): Config {
    return this.#now;
  }

  replace(next: Config): void {
    this.#now = inForceAfter(this.started, next);
  }

  /** What a part of the server takes of it, for that part to ask for: made once of each configuration. */
  of<T>(made: (config: Config) => T): Current<T> {
    let last: { readonly config: Config; readonly value: T } | undefined;
    return () => {
      if (last?.config !== this.#now) last = { config: this.#now, value: made(this.#now) };
      return last.value;
    };
  }
}
