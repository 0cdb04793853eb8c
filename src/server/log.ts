import { type Logger as PinoLogger, pino } from 'pino';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
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
  /** Whether that part tells what is for debugging: looked at once, so that it costs nothing if not. */
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
export function createServerLog({ log }: Pick<Config, 'log'>, { given, format }: LogOptions): ServerLog {
  let metrics: Metrics | undefined;
  const output = new LogOutput({
    maxWaitingBytes: log.maxWaitingBytes,
    onDropped: () => metrics?.refused.add(WAITING),
    onRecovered: (lines) => written.warn({ lines }, 'log lines were dropped: they were not read as fast as they came'),
  });
  const stream = format === undefined ? output : { write: (line: string) => output.write(format(line)) };
  const written = given ?? pino({ level: log.level }, stream);
  const linesPerMinute = log.repeatsPerMinute;
  const loggers: RepeatedLines[] = [];
  const repeatedLines = (logger: PinoLogger) => {
    const limited = new RepeatedLines(logger, { linesPerMinute, isEnabled: (level) => logger.isLevelEnabled(level) });
    loggers.push(limited);
    return limited;
  };
  const childOf = (subsystem: Subsystem): PinoLogger => {
    const level = log.levels[subsystem];
    return level === undefined ? written : written.child({}, { level });
  };
  const logger = repeatedLines(written);
  return {
    logger,
    of: (subsystem) => (log.levels[subsystem] === undefined ? logger : repeatedLines(childOf(subsystem))),
    debugs: (subsystem) => childOf(subsystem).isLevelEnabled('debug'),
    observe(counted) {
      if (given !== undefined) return;
      metrics = counted;
      metrics.bounds.push({ name: WAITING, limit: () => log.maxWaitingBytes, held: () => output.waitingBytes });
    },
    sumUp() {
      for (const limited of loggers) limited.sumUp();
    },
    close: async () => {
      if (given === undefined) await output.flush(MAX_LAST_LINES_MS);
    },
  };
}
