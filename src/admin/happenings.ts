import type { Logger } from '../core/contracts/logger.ts';

/** Something that the server had to say of a connection, as it stands in the log. */
export interface Happening {
  readonly atMs: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly socketId: string;
  /** Channel, code, reason and the like; never a secret, as for the log. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Refusals and closes outlive the coming and going of everyone else. */
const MAX_ROUTINE_LINES = 1000;
const MAX_NOTABLE_LINES = 2000;
const MAX_LINES_OF_CONNECTION = 100;

/** The last things that were logged of connections, whatever the log's level: part of each connection's story. */
export class Happenings {
  #routine: Happening[] = [];
  #notable: Happening[] = [];

  /** A logger that is also written down here, as far as it is about a connection. */
  listeningTo(logger: Logger): Logger {
    const both =
      (level: Happening['level']) =>
      (fields: object, message: string): void => {
        logger[level](fields, message);
        if ('socketId' in fields && typeof fields.socketId === 'string')
          this.#add(level, fields.socketId, fields, message);
      };
    return { debug: both('debug'), info: both('info'), warn: both('warn'), error: both('error') };
  }

  /** What is known of one connection, oldest first. */
  of(socketId: string): readonly Happening[] {
    const all = [...this.#routine, ...this.#notable].filter((happening) => happening.socketId === socketId);
    return all.sort((a, b) => a.atMs - b.atMs).slice(-MAX_LINES_OF_CONNECTION);
  }

  #add(level: Happening['level'], socketId: string, all: object, message: string): void {
    const { socketId: _, err, ...fields } = all as Record<string, unknown>;
    const error = err instanceof Error ? { error: err.message } : {};
    const happening = { atMs: Date.now(), level, message, socketId, fields: { ...fields, ...error } };
    if (level === 'debug') this.#routine = bounded(this.#routine, happening, MAX_ROUTINE_LINES);
    else this.#notable = bounded(this.#notable, happening, MAX_NOTABLE_LINES);
  }
}

/** Drops the older half now and then rather than one each time. */
function bounded(list: Happening[], one: Happening, max: number): Happening[] {
  list.push(one);
  return list.length > max ? list.slice(-Math.floor(max / 2)) : list;
}
