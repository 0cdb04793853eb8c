import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';
import type { Connection } from '../connection/connection.ts';

export interface LivenessSettings {
  /** A client that was silent for this long is sent a WebSocket ping. */
  readonly pingIntervalSeconds: number;
  /** A client that does not answer it within this long is closed with 4201. */
  readonly pongTimeoutSeconds: number;
}

const TICK_MS = 1000;

/**
 * Finds connections that died without a word. WebSocket pings, not `pusher:ping`: every stack answers them, and any
 * inbound frame counts as a sign of life. Connections stand in a wheel of one slot a second, so that a tick looks at
 * those alone whose time has come.
 */
export class Liveness {
  readonly #settings: LivenessSettings;
  readonly #ping: (connection: Connection) => void;
  readonly #close: (connection: Connection, cause: ErrorCode) => void;
  readonly #slots: Set<Connection>[];
  #slot = 0;
  #timer: NodeJS.Timeout | undefined;
  /** A clock that is read often and need not be exact: it moves with every tick. */
  nowMs = Date.now();

  constructor(
    settings: LivenessSettings,
    ping: (connection: Connection) => void,
    close: (connection: Connection, cause: ErrorCode) => void,
  ) {
    this.#settings = settings;
    this.#ping = ping;
    this.#close = close;
    const longest = Math.max(settings.pingIntervalSeconds, settings.pongTimeoutSeconds);
    this.#slots = Array.from({ length: longest + 2 }, () => new Set<Connection>());
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  watch(connection: Connection): void {
    this.#schedule(connection, this.#settings.pingIntervalSeconds);
  }

  seen(connection: Connection): void {
    connection.lastSeenMs = this.nowMs;
    connection.pingSentMs = 0;
  }

  #schedule(connection: Connection, seconds: number): void {
    this.#slots[(this.#slot + seconds) % this.#slots.length]?.add(connection);
  }

  #tick(): void {
    this.nowMs = Date.now();
    this.#slot = (this.#slot + 1) % this.#slots.length;
    const due = this.#slots[this.#slot];
    if (due === undefined || due.size === 0) return;
    this.#slots[this.#slot] = new Set();
    for (const connection of due) if (!connection.closed) this.#check(connection);
  }

  #check(connection: Connection): void {
    const { pingIntervalSeconds, pongTimeoutSeconds } = this.#settings;
    if (connection.pingSentMs > 0) {
      this.#close(connection, ERROR_CODES.pongMissing);
      return;
    }
    const silentSeconds = (this.nowMs - connection.lastSeenMs) / 1000;
    if (silentSeconds + 0.5 < pingIntervalSeconds) {
      this.#schedule(connection, Math.max(1, Math.ceil(pingIntervalSeconds - silentSeconds)));
      return;
    }
    connection.pingSentMs = this.nowMs;
    this.#ping(connection);
    this.#schedule(connection, pongTimeoutSeconds);
  }
}
