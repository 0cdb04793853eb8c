import { addressBlock } from '../core/connection/address-block.ts';
import type { Current } from '../core/contracts/current.ts';
import type { Logger } from '../core/contracts/logger.ts';

type Level = keyof Logger;

export interface RepeatedLinesOptions {
  /** Lines about the same thing from one address; 0: all are written. */
  readonly linesPerMinute: Current<number>;
  readonly isEnabled: (level: Level) => boolean;
}

/** Causes that are told apart; of further ones the address is not. */
const MAX_REPEATED_CAUSES = 1000;
const MINUTE_MS = 60_000;

/**
 * A line that has one of these is about what somebody sent: whoever sends it again writes it again. The `url` is that
 * of an endpoint which does not take as much as strangers have happen.
 */
const MARKS = ['ip', 'socketId', 'path', 'topic', 'url'] as const;

interface Cause {
  readonly level: Level;
  readonly message: string;
  lines: number;
  /** How many of those were not written, and the fields of the last of them. */
  repeated: number;
  fields: object;
}

/**
 * A logger that strangers cannot flood. In each minute, the first lines of one cause (message and code) from one
 * address are written; the others are counted, and at its end summed up in one line, which has the fields of the last
 * of them and `repeated`. Lines that are not about what somebody sent are always written.
 */
export class RepeatedLines implements Logger {
  readonly #logger: Current<Logger>;
  readonly #options: RepeatedLinesOptions;
  readonly #causes = new Map<string, Cause>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Current<Logger>, options: RepeatedLinesOptions) {
    this.#logger = logger;
    this.#options = options;
  }

  /** Somebody who debugs wants all lines. */
  debug(fields: object, message: string): void {
    this.#logger().debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }

  /** Writes what has been counted so far. */
  sumUp(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { level, message, repeated, fields } of this.#causes.values()) {
      if (repeated > 0) this.#logger()[level]({ ...fields, repeated }, message);
    }
    this.#causes.clear();
  }

  #write(level: Level, fields: object, message: string): void {
    const { isEnabled } = this.#options;
    const linesPerMinute = this.#options.linesPerMinute();
    if (linesPerMinute === 0 || !MARKS.some((mark) => mark in fields)) {
      this.#logger()[level](fields, message);
      return;
    }
    if (!isEnabled(level)) return;
    const cause = this.#cause(level, fields, message);
    cause.lines += 1;
    if (cause.lines <= linesPerMinute) {
      this.#logger()[level](fields, message);
      return;
    }
    cause.repeated += 1;
    cause.fields = fields;
  }

  #cause(
    level: Level,
    fields: { ip?: unknown; url?: unknown; code?: unknown; status?: unknown },
    message: string,
  ): Cause {
    const kind = `${level} ${message} ${String(fields.code ?? fields.status)}`;
    const from = typeof fields.ip === 'string' ? addressBlock(fields.ip) : String(fields.url);
    const key = `${kind} ${from}`;
    const known =
      this.#causes.get(key) ?? (this.#causes.size < MAX_REPEATED_CAUSES ? undefined : this.#causes.get(kind));
    if (known !== undefined) return known;
    this.#timer ??= setTimeout(() => this.sumUp(), MINUTE_MS).unref();
    const cause: Cause = { level, message, lines: 0, repeated: 0, fields };
    this.#causes.set(this.#causes.size < MAX_REPEATED_CAUSES ? key : kind, cause);
    return cause;
  }
}
