/** One client's end of a transport. Inert once closed: every method is then a no-op and none ever throws. */
export interface Socket {
  /** The kind of its transport, such as `websocket`: a label for metrics. */
  readonly transport: string;
  send(frame: string): void;
  /** What is sent and joined meanwhile goes out in one write, if the transport can. @param act must not throw */
  together(act: () => void): void;
  /** Starts receiving what is published on the topic. */
  join(topic: string): void;
  leave(topic: string): void;
  /**
   * Asks the peer for a sign of life, which comes back with the same payload.
   *
   * @param byItself the peer must answer now: what the transport knows of it already is no answer
   */
  ping(payload: string, byItself?: boolean): void;
  /** Resolves once little of what was sent still waits, or it has closed: before much more is sent. */
  drained(): Promise<void>;
  close(code: number, reason: string): void;
}

/** Takes an encoded frame to this node's sockets that have joined a topic: one call, whatever their number. */
export interface Transport {
  /** @returns how many sockets that was */
  publish(topic: string, frame: string, exceptSocketId: string | undefined): number;
}
