import { type Logger as PinoLogger, pino } from 'pino';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import { LogOutput } from './log-output.ts';
import { RepeatedLines } from './repeated-lines.ts';

/** For a reader that has stuck: a stop does not wait for it longer than this. */
const MAX_LAST_LINES_MS = 1000;

const WAITING = 'log-waiting-bytes';

export interface ServerLog {
  readonly logger: Logger;
  /** Shows what waits, and counts dropped lines. */
  observe(metrics: Metrics): void;
  /** Writes one line for what has been repeated so far. */
  sumUp(): void;
  /** Gives the last lines some time to be written. */
  close(): Promise<void>;
}

/** The log of a server: JSON lines on stdout, or whatever the given logger makes of them. */
export function createServerLog({ log }: Pick<Config, 'log'>, given: PinoLogger | undefined): ServerLog {
  const linesPerMinute = log.repeatsPerMinute;
  const repeatedLines = (logger: PinoLogger) =>
    new RepeatedLines(logger, { linesPerMinute, isEnabled: (level) => logger.isLevelEnabled(level) });
  if (given !== undefined) {
    const logger = repeatedLines(given);
    return { logger, observe: () => undefined, sumUp: () => logger.sumUp(), close: async () => undefined };
  }
  let metrics: Metrics | undefined;
  const output = new LogOutput({
    maxWaitingBytes: log.maxWaitingBytes,
    onDropped: () => metrics?.refused.add(WAITING),
    onRecovered: (lines) => written.warn({ lines }, 'log lines were dropped: they were not read as fast as they came'),
  });
  const written = pino({ level: log.level }, output);
  const logger = repeatedLines(written);
  return {
    logger,
    observe(counted) {
      metrics = counted;
      metrics.bounds.push({ name: WAITING, limit: () => log.maxWaitingBytes, held: () => output.waitingBytes });
    },
    sumUp: () => logger.sumUp(),
    close: () => output.flush(MAX_LAST_LINES_MS),
  };
}
