import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Options, default as PusherModule } from 'pusher-js';
import { resumable } from '../../client/index.ts';
import { channelAuth } from '../../test/support/signing.ts';
import { announceGap, type ClientKind, newSightings, type Sightings, see } from './ledger.ts';

/** Its types tell of a default export, its CommonJS build is the class itself. */
const Pusher = createRequire(import.meta.url)('pusher-js') as typeof PusherModule.default;

export const CHAOS_APP = { id: 'chaos', key: 'chaos-key', secret: 'chaos-secret-for-this-run' };

interface Message {
  readonly event: string;
  readonly channel?: string;
  readonly data: unknown;
}

/** A stock client that writes down what it sees. */
export class ChaosClient {
  readonly sightings = new Map<string, Sightings>();
  reconnects = 0;
  readonly #pusher: InstanceType<typeof PusherModule.default>;
  readonly #subscribed = new Set<string>();
  readonly #greeted = new Set<string>();
  #endedMs: number | undefined;

  constructor(index: number, port: number, channels: readonly string[], kind: ClientKind, host = '127.0.0.1') {
    this.#pusher = new Pusher(CHAOS_APP.key, this.#optionsOf(kind, host, port));
    for (const channel of channels) this.sightings.set(channel, newSightings(index, channel, kind));
    this.#pusher.connection.bind('message', (message: Message) => this.#receive(message));
    this.#pusher.connection.bind('connected', () => {
      if (this.#endedMs !== undefined) this.reconnects += 1;
    });
    // pusher-js tells of an end only when it tries again: the transport's own end comes as this.
    this.#pusher.connection.bind('closed', () => this.#ended());
    this.#pusher.connection.bind('state_change', ({ previous }: { previous: string }) => {
      if (previous === 'connected') this.#ended();
    });
    for (const channel of channels) this.#pusher.subscribe(channel);
  }

  get isSubscribed(): boolean {
    return this.#pusher.connection.state === 'connected' && this.#subscribed.size === this.sightings.size;
  }

  disconnect(): void {
    this.#pusher.disconnect();
  }

  #optionsOf(kind: ClientKind, host: string, port: number): Options {
    const options: Options = {
      cluster: '',
      wsHost: host,
      wsPort: port,
      forceTLS: false,
      enabledTransports: ['ws'],
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, callback) => {
          callback(null, { auth: channelAuth(CHAOS_APP, socketId, channelName) });
        },
      },
    };
    if (kind === 'plain') return options;
    if (kind === 'resumable') return { ...options, wsPath: `/resume/${randomUUID()}` };
    return resumable(Pusher, options, { onGap: (channel) => this.#announceGap(channel) });
  }

  #announceGap(channel: string): void {
    const sightings = this.sightings.get(channel);
    if (sightings !== undefined) announceGap(sightings);
  }

  #ended(): void {
    this.#endedMs = performance.now();
    this.#subscribed.clear();
  }

  #receive({ event, channel, data }: Message): void {
    const sightings = channel === undefined ? undefined : this.sightings.get(channel);
    if (sightings === undefined || channel === undefined) return;
    if (event === 'number') {
      see(sightings, Number(data), performance.now(), this.#endedMs);
    } else if (event === 'fanfare:resumed') {
      const { recovered } = data as { recovered: boolean };
      // On the first subscription nothing is known yet, and nothing was missed.
      if (!recovered && this.#greeted.has(channel) && sightings.kind === 'resumable') announceGap(sightings);
      this.#greeted.add(channel);
    } else if (event === 'pusher_internal:subscription_succeeded') {
      this.#subscribed.add(channel);
    }
  }
}
