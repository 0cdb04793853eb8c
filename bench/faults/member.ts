import { createRequire } from 'node:module';
import type { Members, PresenceChannel, default as PusherModule } from 'pusher-js';
import { channelAuth } from '../../test/support/signing.ts';
import { CHAOS_APP } from '../chaos/client.ts';

/** Its types tell of a default export, its CommonJS build is the class itself. */
const Pusher = createRequire(import.meta.url)('pusher-js') as typeof PusherModule.default;

export const ROOM = 'presence-room';

/** A stock client in a presence channel. */
export class Member {
  readonly #pusher: InstanceType<typeof PusherModule.default>;
  readonly #channel: PresenceChannel;

  constructor(id: string, host: string, port: number) {
    this.#pusher = new Pusher(CHAOS_APP.key, {
      cluster: '',
      wsHost: host,
      wsPort: port,
      forceTLS: false,
      enabledTransports: ['ws'],
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, callback) => {
          const data = JSON.stringify({ user_id: id });
          callback(null, { auth: channelAuth(CHAOS_APP, socketId, channelName, data), channel_data: data });
        },
      },
    });
    this.#channel = this.#pusher.subscribe(ROOM) as PresenceChannel;
  }

  get isSubscribed(): boolean {
    return this.#pusher.connection.state === 'connected' && this.#channel.subscribed;
  }

  /** Whom it sees, itself among them. */
  get seen(): string[] {
    const ids: string[] = [];
    (this.#channel.members as Members).each(({ id }: { id: string }) => ids.push(id));
    return ids.sort();
  }

  disconnect(): void {
    this.#pusher.disconnect();
  }
}
