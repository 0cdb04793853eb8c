import { type Logger as PinoLogger, pino } from 'pino';
import type { Config } from '../config/schema.ts';
import type { Current } from '../core/contracts/current.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import { escapeControls } from '../protocol/escaped.ts';
import { LogOutput } from './log-output.ts';
import { RepeatedLines } from './repeated-lines.ts';

/** For a reader that has stuck: a stop does not wait for it longer than this. */
const MAX_LAST_LINES_MS = 1000;

const WAITING = 'log-waiting-bytes';

/** Parts of the server whose lines may have a level of their own. */
export type Subsystem = keyof Config['log']['levels'];

export interface ServerLog {
  readonly logger: Logger;
  /** The logger of one part of the server. */
  of(subsystem: Subsystem): Logger;
  /** Whether that part tells what is for debugging. */
  debugs(subsystem: Subsystem): boolean;
  /** Shows what waits, and counts dropped lines. */
  observe(metrics: Metrics): void;
  /** Writes one line for what has been repeated so far. */
  sumUp(): void;
  /** Gives the last lines some time to be written. */
  close(): Promise<void>;
}

export interface LogOptions {
  /** Takes the lines in place of stdout. */
  readonly given: PinoLogger | undefined;
  /** Makes text for people out of a JSON line. */
  readonly format: ((line: string) => string) | undefined;
}

/** The log of a server: JSON lines on stdout, or whatever the given logger or format makes of them. */
export function createServerLog(settings: Current<Config['log']>, { given, format }: LogOptions): ServerLog {
  let metrics: Metrics | undefined;
  const output = new LogOutput({
    maxWaitingBytes: () => settings().maxWaitingBytes,
    onDropped: () => metrics?.refused.add(WAITING),
    onRecovered: (lines) =>
      written().warn({ lines }, 'log lines were dropped: they were not read as fast as they came'),
  });
  // Strangers' words are in some lines, and somebody reads them on a terminal.
  const stream = { write: (line: string) => output.write(escapeControls(format?.(line) ?? line)) };
  const root = given ?? pino({}, stream);
  const byLevel = new Map<string, PinoLogger>();
  /** What the lines of a part are written by now; the level of a given logger is its owner's. */
  const written = (subsystem?: Subsystem): PinoLogger => {
    const { level: common, levels } = settings();
    const level = (subsystem && levels[subsystem]) ?? (given === undefined ? common : undefined);
    if (level === undefined) return root;
    const known = byLevel.get(level);
    if (known !== undefined) return known;
    const logger = root.child({}, { level });
    byLevel.set(level, logger);
    return logger;
  };
  const loggers: RepeatedLines[] = [];
  const of = (subsystem?: Subsystem): Logger => {
    const lines = new RepeatedLines(() => written(subsystem), {
      linesPerMinute: () => settings().repeatsPerMinute,
      isEnabled: (level) => written(subsystem).isLevelEnabled(level),
    });
    loggers.push(lines);
    return lines;
  };
  return {
    logger: of(),
    of,
    debugs: (subsystem) => written(subsystem).isLevelEnabled('debug'),
    observe(counted) {
      if (given !== undefined) return;
      metrics = counted;
      metrics.bounds.push({ name: WAITING, limit: () => settings().maxWaitingBytes, held: () => output.waitingBytes });
    },
    sumUp() {
      for (const limited of loggers) limited.sumUp();
    },
    close: async () => {
      if (given === undefined) await output.flush(MAX_LAST_LINES_MS);
    },
  };
}
