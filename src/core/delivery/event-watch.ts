import { createHash } from 'node:crypto';

/** Something that happened to an event on this node. */
export interface WatchedEvent {
  /** `accepted`: the broker has it from here. `delivered`: this node's sockets have it. */
  readonly stage: 'accepted' | 'delivered';
  readonly topic: string;
  readonly frame: string;
  readonly exceptSocketId: string | undefined;
  /** Sockets of this node that were sent it; 0 while it is only accepted. */
  readonly receivers: number;
}

export type Watcher = (event: WatchedEvent) => void;

/** Lets somebody see events pass: an operator's tail, the debug log. While nobody looks it costs a comparison. */
export class EventWatch {
  #watchers: readonly Watcher[] = [];

  get isWatched(): boolean {
    return this.#watchers.length > 0;
  }

  /** @returns what ends it */
  add(watcher: Watcher): () => void {
    this.#watchers = [...this.#watchers, watcher];
    return () => {
      this.#watchers = this.#watchers.filter((other) => other !== watcher);
    };
  }

  saw(event: WatchedEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }
}

/** The same on every node and at every stage, and nothing has to carry it: events that are alike have it in common. */
export function eventId(topic: string, frame: string): string {
  return createHash('sha1').update(topic).update('\n').update(frame).digest('base64url').slice(0, 10);
}
