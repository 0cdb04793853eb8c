import { Session } from 'node:inspector';

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Taken {
  readonly result: ReadonlyArray<{
    readonly url: string;
    readonly functions: ReadonlyArray<{ readonly ranges: readonly Range[] }>;
  }>;
}

/**
 * Which code has run, by V8's own counters. To be started before the code is loaded: what was compiled earlier is known
 * by its functions alone, not by the blocks in them.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #isWanted: (url: string) => boolean;
  /** By function: which of its characters have run. */
  readonly #known = new Map<string, Uint8Array>();

  constructor(isWanted: (url: string) => boolean) {
    this.#isWanted = isWanted;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many functions have run. */
  get functions(): number {
    return this.#known.size;
  }

  /** How many characters of the code have run. */
  get characters(): number {
    let sum = 0;
    for (const covered of this.#known.values()) for (const mark of covered) sum += mark;
    return sum;
  }

  /**
   * Whether anything has run since the last call that never had before.
   *
   * @param remember from now on it counts as known
   */
  hasNew(remember: boolean): boolean {
    let found = false;
    for (const { url, functions } of this.#take()) {
      if (!this.#isWanted(url)) continue;
      for (const { ranges } of functions) found = this.#compare(url, ranges, remember) || found;
    }
    return found;
  }

  #take(): Taken['result'] {
    let taken: Taken['result'] = [];
    // In the same process, the answer comes within the call.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      taken = (answer as Taken).result;
    });
    return taken;
  }

  #compare(url: string, ranges: readonly Range[], remember: boolean): boolean {
    const [whole] = ranges;
    if (whole === undefined || whole.count === 0) return false;
    const marks = new Uint8Array(whole.endOffset - whole.startOffset);
    // An inner range comes after the one that it lies in.
    for (const { startOffset, endOffset, count } of ranges)
      marks.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset);
    const key = `${url}:${whole.startOffset}:${whole.endOffset}`;
    const known = this.#known.get(key);
    if (known === undefined) {
      if (remember) this.#known.set(key, marks);
      return true;
    }
    let found = false;
    for (const [index, mark] of marks.entries()) {
      if (mark === 0 || known[index] === 1) continue;
      found = true;
      if (remember) known[index] = 1;
    }
    return found;
  }
}
