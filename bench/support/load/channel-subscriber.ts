/** Called for each message after the subscription succeeded. */
export type DeliveryListener = (bytes: Buffer, start: number, end: number) => void;

export interface SubscriberOptions {
  readonly port: number;
  readonly key: string;
  readonly channel: string;
  readonly onDelivery: DeliveryListener;
  /** The connection ended or sent what it must not: the run is over. */
  readonly onFailure: (error: Error) => void;
}

const PONG = Buffer.from('pusher:pong');

/** One subscriber of one channel, whichever way it is connected: what it says, and how far it has come. */
export abstract class ChannelSubscriber {
  protected readonly options: SubscriberOptions;
  #state: 'connecting' | 'subscribing' | 'live' | 'barrier' | 'closed' = 'connecting';
  #settle: (() => void) | undefined;
  /** Reads from the socket so far: a server that puts several messages into one write needs fewer. */
  reads = 0;

  constructor(options: SubscriberOptions) {
    this.options = options;
  }

  /** Resolves once the subscription has succeeded. Failures go to `onFailure`. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Resolves once everything that the server had sent before has arrived: its answer to a ping comes after it. */
  barrier(): Promise<void> {
    this.#state = 'barrier';
    this.send('{"event":"pusher:ping","data":{}}');
    return this.ready();
  }

  close(): void {
    this.#state = 'closed';
    this.disconnect();
  }

  protected abstract send(message: string): void;

  protected abstract disconnect(): void;

  protected fail(error: unknown): void {
    if (this.#state === 'closed') return;
    this.close();
    this.options.onFailure(error instanceof Error ? error : new Error(String(error)));
  }

  /** A message has come: a frame, or the line that holds one. */
  protected take(bytes: Buffer, start: number, end: number): void {
    const { onDelivery, channel } = this.options;
    if (this.#state === 'live') {
      onDelivery(bytes, start, end);
    } else if (this.#state === 'barrier') {
      if (!bytes.subarray(start, end).includes(PONG)) onDelivery(bytes, start, end);
      else this.#settled();
    } else {
      const text = bytes.toString('utf8', start, end);
      if (this.#state === 'connecting' && text.includes('pusher:connection_established')) {
        this.#state = 'subscribing';
        this.send(JSON.stringify({ event: 'pusher:subscribe', data: { auth: '', channel } }));
      } else if (this.#state === 'subscribing' && text.includes('pusher_internal:subscription_succeeded')) {
        this.#settled();
      } else {
        throw new Error(`unexpected while ${this.#state}: ${text.slice(0, 200)}`);
      }
    }
  }

  #settled(): void {
    this.#state = 'live';
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.();
  }
}
