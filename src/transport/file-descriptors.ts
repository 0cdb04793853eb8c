import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Logger } from '../core/contracts/logger.ts';
import { isOutOfFileDescriptors } from '../core/contracts/out-of-file-descriptors.ts';
import type { Listening } from './listen.ts';

/** What a process needs beside its connections: files, the log, Redis, the native event loop. */
const BESIDE_CONNECTIONS = 100;

const CHECK_MS = 1000;
/** So many must be free again before connections are taken again, lest it goes to and fro. */
const ENOUGH = 16;
const WARN_EVERY_MS = 60_000;

const HOW = 'LimitNOFILE= of a systemd unit, --ulimit nofile= of a container, or ulimit -n raises it';

/** How many files and connections the process may have open; undefined if the system does not say. */
export function fileDescriptorLimit(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** Says at the start if the limit is below what the configuration allows. */
export function warnOfLowLimit(maxConnections: number, limit: number | undefined, logger: Logger): void {
  if (limit === undefined || maxConnections === 0 || limit >= maxConnections + BESIDE_CONNECTIONS) return;
  logger.warn(
    { limit, maxConnections, needed: maxConnections + BESIDE_CONNECTIONS },
    `fewer file descriptors than connections.max may need: ${HOW}`,
  );
}

/**
 * Watches for the process to run out of file descriptors. A socket that listens would then wake it up again and again
 * for a connection that it cannot take; so listening ends until some are free. Clients are refused meanwhile, and go
 * elsewhere, instead of waiting.
 */
export class FileDescriptorWatch {
  readonly #listening: Listening;
  readonly #limit: number | undefined;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #isOut = false;
  #isStopped = false;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(listening: Listening, limit: number | undefined, logger: Logger) {
    this.#listening = listening;
    this.#limit = limit;
    this.#logger = logger;
    this.#timer = setInterval(() => void this.#check(), CHECK_MS);
  }

  /** Ends listening, for good. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#listening.close();
  }

  async #check(): Promise<void> {
    if (areFree(this.#isOut ? ENOUGH : 1)) await this.#takeAgain();
    else this.#ranOut();
  }

  #ranOut(): void {
    if (this.#isOut) return;
    this.#isOut = true;
    this.#listening.close();
    if (performance.now() - this.#warnedAtMs < WARN_EVERY_MS) return;
    this.#warnedAtMs = performance.now();
    const message = `out of file descriptors: no connection is taken until some have ended. ${HOW}`;
    this.#logger.warn({ limit: this.#limit }, message);
  }

  async #takeAgain(): Promise<void> {
    if (!this.#isOut) return;
    try {
      await this.#listening.reopen();
    } catch (error) {
      this.#logger.debug({ err: error }, 'listening again failed, and will be tried again');
      return;
    }
    if (this.#isStopped) this.#listening.close();
    this.#isOut = false;
    this.#logger.info({}, 'file descriptors are free: connections are taken again');
  }
}

/** Whether so many can be opened at this moment. */
function areFree(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync(devNull, 'r'));
    return true;
  } catch (error) {
    if (isOutOfFileDescriptors(error)) return false;
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}
