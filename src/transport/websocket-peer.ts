import type { WebSocket } from 'uWebSockets.js';
import type { Connection } from '../core/connection/connection.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import type { Socket } from '../core/contracts/transport.ts';
import type { ReceiveAllowance } from './receive-allowance.ts';
import { LITTLE_BYTES } from './slow-reader.ts';

/** What uWebSockets.js keeps for us with each of its sockets. */
export interface Peer {
  socket: WebSocketPeer | undefined;
  readonly allowance: ReceiveAllowance;
  /** Undefined before it opens, and if the handshake was refused. */
  connection: Connection | undefined;
}

/** One WebSocket. Touching a closed native socket throws, so nothing does: each method looks first. */
export class WebSocketPeer implements Socket {
  readonly transport = 'websocket';
  /** This side has closed it, and not the client. */
  endedHere = false;
  readonly #ws: WebSocket<Peer>;
  readonly #compress: boolean;
  readonly #metrics: Metrics;
  #closed = false;
  /** It has missed a frame and gets no further one… */
  #behind = false;
  /** …and has read all that it was sent before: a ping and the close reach it. */
  #hasReadItsLast = false;
  #graceTimer: NodeJS.Timeout | undefined;
  #waitingForDrain: (() => void)[] = [];

  constructor(ws: WebSocket<Peer>, compress: boolean, metrics: Metrics) {
    this.#ws = ws;
    this.#compress = compress;
    this.#metrics = metrics;
  }

  send(frame: string): void {
    if (this.#closed || this.#behind) return;
    this.#ws.send(frame, false, this.#compress);
    this.#metrics.framesOut += 1;
    this.#metrics.bytesOut += Buffer.byteLength(frame);
  }

  together(act: () => void): void {
    if (!this.#closed && !this.#behind) this.#ws.cork(act);
  }

  join(topic: string): void {
    if (this.#closed || this.#behind) return;
    this.#ws.subscribe(topic);
  }

  leave(topic: string): void {
    if (!this.#closed) this.#ws.unsubscribe(topic);
  }

  ping(payload: string): void {
    // Within a cork, what the socket's topics have for it and the ping are one write.
    if (this.#isReached()) this.#ws.cork(() => this.#ws.ping(payload));
  }

  async drained(): Promise<void> {
    if (this.#closed || this.#behind || this.#ws.getBufferedAmount() <= LITTLE_BYTES) return;
    await new Promise<void>((resolve) => this.#waitingForDrain.push(resolve));
  }

  close(code: number, reason: string): void {
    if (!this.#isReached()) return;
    this.endedHere = true;
    this.#ws.end(code, reason);
  }

  /** Publishes to all of the topic but this socket; false if it cannot, not being in the topic. */
  publishToOthers(topic: string, frame: string, compress: boolean): boolean {
    if (this.#closed || this.#behind || !this.#ws.isSubscribed(topic)) return false;
    this.#ws.publish(topic, frame, false, compress);
    return true;
  }

  /** The native socket has gone. */
  closed(): void {
    this.#closed = true;
    clearTimeout(this.#graceTimer);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waitingForDrain;
    this.#waitingForDrain = [];
    for (const resolve of waiting) resolve();
  }

  /** A frame was dropped. False if that is known already. */
  markBehind(): boolean {
    if (this.#closed || this.#behind) return false;
    this.#behind = true;
    return true;
  }

  /**
   * Leaves all topics; then waits until what was sent before has been read, since a close frame would be dropped like
   * any other. A peer that does not read in time is cut.
   */
  cutOff(graceMs: number): void {
    if (this.#closed) return;
    for (const topic of this.#ws.getTopics()) this.#ws.unsubscribe(topic);
    this.#graceTimer = setTimeout(() => {
      if (!this.#closed) this.#ws.close();
    }, graceMs);
  }

  /** Some of what waited has been read. True once: if it fell behind and has now read all that it was sent before. */
  someRead(): boolean {
    if (this.#closed) return false;
    const waitingBytes = this.#ws.getBufferedAmount();
    if (waitingBytes <= LITTLE_BYTES && this.#waitingForDrain.length > 0) this.#wake();
    if (!this.#behind || this.#hasReadItsLast || waitingBytes > 0) return false;
    this.#hasReadItsLast = true;
    return true;
  }

  /** Whether what is sent now would not be dropped. */
  #isReached(): boolean {
    return !this.#closed && (!this.#behind || this.#hasReadItsLast);
  }
}
