import { appIdOf, channelOf } from '../core/contracts/topic.ts';
import { type EventWatch, eventId, type WatchedEvent } from '../core/delivery/event-watch.ts';
import { isJsonObject, parseJson } from '../protocol/frames.ts';

/** What somebody wants to see; empty texts: everything. */
export interface TailFilter {
  readonly appId: string;
  /** A part of the channel's name, or of the event's. */
  readonly channel: string;
  readonly event: string;
  /** The server's own as well, such as who joined. */
  readonly internal: boolean;
}

/** One line of a tail. */
export interface TailEntry {
  /** The same for one event on every node, from its acceptance to its deliveries. */
  readonly id: string;
  readonly atMs: number;
  readonly node: string;
  readonly stage: 'accepted' | 'delivered';
  readonly source: 'backend' | 'client' | 'server';
  readonly appId: string;
  readonly channel: string;
  readonly event: string;
  /** As it was sent; the beginning of what is long. */
  readonly data: string;
  readonly bytes: number;
  readonly receivers: number;
  readonly userId: string | undefined;
}

/** What has gathered since the last time. `skipped` is what there was beyond that. */
export interface TailBatch {
  readonly entries: readonly TailEntry[];
  readonly skipped: number;
}

/** Entries of one batch: what comes faster is sampled from its beginning. */
const MAX_TAIL_ENTRIES = 25;
export const BATCH_MS = 250;
/** Frames of one batch that are looked into, whether or not they pass the filter. */
const MAX_TAIL_LOOKED_AT = 500;
const MAX_TAIL_DATA_CHARACTERS = 2000;
const MAX_TAILS = 20;

/** Shows events as they pass. It looks at nothing while nobody tails, and at a bounded number while somebody does. */
export class Tails {
  readonly #watch: EventWatch;
  readonly #node: string;
  #count = 0;

  constructor(watch: EventWatch, node: string) {
    this.#watch = watch;
    this.#node = node;
  }

  /** @returns what ends it; undefined if there are as many tails as may be */
  open(filter: TailFilter, take: (batch: TailBatch) => void): (() => void) | undefined {
    if (this.#count >= MAX_TAILS) return undefined;
    this.#count += 1;
    let entries: TailEntry[] = [];
    let skipped = 0;
    let lookedAt = 0;
    const end = this.#watch.add((event) => {
      if (!isAskedFor(event.topic, filter)) return;
      if (entries.length >= MAX_TAIL_ENTRIES || lookedAt >= MAX_TAIL_LOOKED_AT) {
        skipped += 1;
        return;
      }
      lookedAt += 1;
      const entry = entryOf(event, filter, this.#node);
      if (entry !== undefined) entries.push(entry);
    });
    const timer = setInterval(() => {
      lookedAt = 0;
      if (entries.length === 0 && skipped === 0) return;
      const batch = { entries, skipped };
      entries = [];
      skipped = 0;
      take(batch);
    }, BATCH_MS);
    return () => {
      this.#count -= 1;
      clearInterval(timer);
      end();
    };
  }
}

function isAskedFor(topic: string, { appId, channel }: TailFilter): boolean {
  if (appId !== '' && appIdOf(topic) !== appId) return false;
  const name = channelOf(topic);
  return channel === '' || name.includes(channel);
}

function entryOf(event: WatchedEvent, filter: TailFilter, node: string): TailEntry | undefined {
  const { stage, topic, frame, receivers } = event;
  const channel = channelOf(topic);
  // The server's own topics are no channels; a user's own one is.
  if (channel.startsWith('#') && !channel.startsWith('#server-to-user-')) return undefined;
  const parsed = parseJson(frame);
  if (!isJsonObject(parsed) || typeof parsed.event !== 'string') return undefined;
  const source = sourceOf(parsed.event);
  if (source === 'server' && !filter.internal) return undefined;
  if (filter.event !== '' && !parsed.event.includes(filter.event)) return undefined;
  const data = typeof parsed.data === 'string' ? parsed.data : (JSON.stringify(parsed.data) ?? '');
  return {
    id: eventId(topic, frame),
    atMs: Date.now(),
    node,
    stage,
    source,
    appId: appIdOf(topic),
    channel,
    event: parsed.event,
    data: data.slice(0, MAX_TAIL_DATA_CHARACTERS),
    bytes: Buffer.byteLength(data),
    receivers,
    userId: typeof parsed.user_id === 'string' ? parsed.user_id : undefined,
  };
}

function sourceOf(event: string): TailEntry['source'] {
  if (event.startsWith('client-')) return 'client';
  return event.startsWith('pusher:') || event.startsWith('pusher_internal:') ? 'server' : 'backend';
}
