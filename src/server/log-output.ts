import { pino } from 'pino';
import type { Current } from '../core/contracts/current.ts';

export interface LogOutputOptions {
  readonly maxWaitingBytes: Current<number>;
  /** Default: stdout. */
  readonly fd?: number;
  /** A line has been dropped. */
  readonly onDropped: () => void;
  /** Something has been written again after so many lines were dropped. */
  readonly onRecovered: (droppedLines: number) => void;
}

/** Waiting for a write to end is polled: it has no event of its own for "nothing waits any more" after an error. */
const FLUSH_POLL_MS = 20;

/**
 * Where log lines go, without ever holding the server up: what cannot be written at once waits in memory, up to a bound
 * beyond which lines are dropped and counted. A reader that has stuck, a full disk or a closed pipe costs log lines and
 * nothing else.
 */
export class LogOutput {
  readonly #options: LogOutputOptions;
  readonly #destination: ReturnType<typeof pino.destination>;
  #waitingBytes = 0;
  #droppedLines = 0;
  #isFailing = false;
  #isClosed = false;

  constructor(options: LogOutputOptions) {
    this.#options = options;
    // Looking at process.stdout has an effect: from then on, writing to a full pipe fails at once and does not wait.
    const dest = options.fd ?? process.stdout.fd;
    const destination = pino.destination({ dest, sync: false });
    this.#destination = destination;
    // At the end of the process, and for fatal lines, pino would wait until all has been written, whatever it takes.
    destination.flushSync = () => undefined;
    destination.on('error', (error: NodeJS.ErrnoException) => {
      this.#isFailing = true;
      // A disk may have room again: what waits is tried again with the next line. A closed pipe stays closed.
      if (error.code === 'EPIPE') this.#isClosed = true;
    });
    destination.on('write', (bytes: number) => this.#written(bytes));
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** For pino. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#isClosed || this.#waitingBytes + bytes > this.#options.maxWaitingBytes()) {
      this.#drop();
      return;
    }
    this.#waitingBytes += bytes;
    this.#destination.write(line);
  }

  /** Resolves once nothing waits, nothing can be written, or `limitMs` have passed. */
  async flush(limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (this.#waitingBytes > 0 && !this.#isFailing && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, FLUSH_POLL_MS));
    }
  }

  #drop(): void {
    this.#droppedLines += 1;
    this.#options.onDropped();
  }

  #written(bytes: number): void {
    this.#isFailing = false;
    this.#waitingBytes = Math.max(0, this.#waitingBytes - bytes);
    const droppedLines = this.#droppedLines;
    if (droppedLines === 0) return;
    this.#droppedLines = 0;
    this.#options.onRecovered(droppedLines);
  }
}
