import type { Current } from '../../core/contracts/current.ts';
import type { Line } from './lines.ts';

/** What an entry of a list costs beside the line that it points to. */
const ENTRY_BYTES = 16;

/** One session may take at most this part of what is still free, so that many that hoard never leave others without. */
const SHARE_OF_FREE = 1 / 8;

export interface LineLimits {
  /** What may wait for all sessions of this node together. */
  readonly maxBufferedBytes: number;
  /** What may wait for one of them. */
  readonly maxSessionBytes: number;
}

/**
 * What may wait on this node for all HTTP sessions together. A line that waits in several is counted once, as it is
 * held once.
 */
export class LineBudget {
  readonly #limits: Current<LineLimits>;
  #heldBytes = 0;

  constructor(limits: Current<LineLimits>) {
    this.#limits = limits;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether a session for which so much waits may be given a further line. */
  allows(waitingBytes: number, line: Line): boolean {
    const { maxBufferedBytes, maxSessionBytes } = this.#limits();
    const freeBytes = maxBufferedBytes - this.#heldBytes;
    if (line.holders === 0 && line.bytes.length + ENTRY_BYTES > freeBytes) return false;
    return waitingBytes <= Math.min(maxSessionBytes, freeBytes * SHARE_OF_FREE);
  }

  hold(line: Line): void {
    if (line.holders === 0) this.#heldBytes += line.bytes.length;
    line.holders += 1;
    this.#heldBytes += ENTRY_BYTES;
  }

  letGo(line: Line): void {
    line.holders -= 1;
    if (line.holders === 0) this.#heldBytes -= line.bytes.length;
    this.#heldBytes -= ENTRY_BYTES;
  }
}

/** What waits for one session, in order. */
export class WaitingLines {
  readonly #budget: LineBudget;
  #lines: Line[] = [];
  #first = 0;
  #bytes = 0;

  constructor(budget: LineBudget) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#first === this.#lines.length;
  }

  get next(): Line | undefined {
    return this.#lines[this.#first];
  }

  /** False if too much waits already, here or in all sessions: the line is then not taken. */
  add(line: Line): boolean {
    if (!this.#budget.allows(this.#bytes, line)) return false;
    this.addRegardless(line);
    return true;
  }

  /** For the few bytes that tell a client why it is closed. */
  addRegardless(line: Line): void {
    this.#budget.hold(line);
    this.#lines.push(line);
    this.#bytes += line.bytes.length;
  }

  shift(): Line | undefined {
    const line = this.#lines[this.#first];
    if (line === undefined) return undefined;
    this.#bytes -= line.bytes.length;
    this.#budget.letGo(line);
    this.#advance(this.#first + 1);
    return line;
  }

  /** From the front, until they are more than either; at least one if there is any. */
  take(maxBytes: number, maxChars: number): readonly Line[] {
    const lines = this.#lines;
    let end = this.#first;
    let bytes = 0;
    let chars = 0;
    for (let line = lines[end]; line !== undefined && bytes <= maxBytes && chars <= maxChars; line = lines[end]) {
      bytes += line.bytes.length;
      chars += line.chars;
      this.#budget.letGo(line);
      end += 1;
    }
    const taken = lines.slice(this.#first, end);
    this.#bytes -= bytes;
    this.#advance(end);
    return taken;
  }

  clear(): void {
    while (this.shift() !== undefined);
  }
  #advance(first: number): void {
    this.#first = first;
    if (first === this.#lines.length) this.#lines.length = 0;
    // What has gone must not be kept alive by those that follow.
    else if (first >= 1024) this.#lines = this.#lines.slice(first);
    else return;
    this.#first = 0;
  }
}
