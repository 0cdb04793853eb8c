import { type ChannelKind, channelKind, channelNameProblem, printable } from '../../protocol/channel-name.ts';
import { counted } from '../../protocol/counted.ts';
import { encodeEvent } from '../../protocol/frames.ts';
import { CACHE_TTL_SECONDS } from '../../protocol/limits.ts';
import type { App } from '../contracts/app.ts';
import type { Broker, BrokerMessage } from '../contracts/broker.ts';
import type { Metrics } from '../contracts/metrics.ts';
import { topicOf } from '../contracts/topic.ts';
import type { Delivery } from './delivery.ts';
import { rewindRuleOf } from './rewind.ts';

/** An event that a backend triggers, already a string if the wire wants one. */
export interface ServerEvent {
  readonly name: string;
  /** Passed on byte for byte. */
  readonly data: string;
  readonly channels: readonly string[];
  /** Whether the channels are those of a list of users, which has a bound of its own. */
  readonly isForUsers?: boolean | undefined;
  /** The connection to leave out. */
  readonly socketId: string | undefined;
}

/** Why an event was refused: `too_large` is about its data, `invalid` about anything else. */
export interface EventProblem {
  readonly reason: 'invalid' | 'too_large';
  readonly message: string;
}

/** Validates events, encodes each once for every channel, and hands them to the broker. */
export class Publisher {
  readonly #broker: Broker;
  readonly #metrics: Metrics;
  readonly #delivery: Delivery;

  constructor(broker: Broker, metrics: Metrics, delivery: Delivery) {
    this.#broker = broker;
    this.#metrics = metrics;
    this.#delivery = delivery;
  }

  /** Why an event may not be published, or undefined. */
  problem(app: App, event: ServerEvent): EventProblem | undefined {
    const { limits } = app;
    const name = eventNameProblem(event.name, limits.maxEventNameLength);
    if (name !== undefined) return { reason: 'invalid', message: name };
    // The PHP library and others recognise this sentence. (HTTP API: 413)
    if (byteLengthExceeds(event.data, limits.maxEventBytes)) {
      return {
        reason: 'too_large',
        message: `The data content of this event exceeds the allowed maximum (${limits.maxEventBytes} bytes)`,
      };
    }
    const { length } = event.channels;
    const what = event.isForUsers === true ? 'user' : 'channel';
    const most = event.isForUsers === true ? limits.maxUsersPerEvent : limits.maxChannelsPerEvent;
    if (length === 0) return { reason: 'invalid', message: `An event needs at least one ${what}` };
    if (length > most) {
      const message = `An event can go to at most ${counted(most, what)}; this one names ${length}`;
      return { reason: 'invalid', message };
    }
    for (const channel of event.channels) {
      const problem = channelNameProblem(channel, limits.maxChannelNameLength);
      if (problem !== undefined) return { reason: 'invalid', message: problem };
    }
    return undefined;
  }

  /** Publishes events that `problem` has passed, in their order; resolves once the broker has accepted them all. */
  async publish(app: App, events: readonly ServerEvent[]): Promise<void> {
    const messages: BrokerMessage[] = [];
    for (const event of events) {
      for (const channel of event.channels) {
        messages.push({
          topic: topicOf(app.id, channel),
          frame: encodeEvent(event.name, channel, event.data),
          exceptSocketId: event.socketId,
          cacheSeconds: cacheSecondsOf(channelKind(channel)),
          durable: true,
          logSeconds: rewindRuleOf(app, channel)?.seconds,
        });
      }
    }
    const { samples, watch } = this.#delivery;
    const [first] = messages;
    if (first !== undefined) samples.accepted(first.topic, first.frame);
    await this.#broker.publish(messages);
    this.#metrics.triggers += messages.length;
    if (!watch.isWatched) return;
    for (const { topic, frame, exceptSocketId } of messages) {
      watch.saw({ stage: 'accepted', topic, frame, exceptSocketId, receivers: 0 });
    }
  }
}

function cacheSecondsOf(kind: ChannelKind): number | undefined {
  return kind.cache ? CACHE_TTL_SECONDS : undefined;
}

/** Why an event's name is not acceptable, or undefined. */
export function eventNameProblem(name: unknown, maxLength: number): string | undefined {
  if (typeof name !== 'string' || name === '') return 'The event name must be a non-empty string';
  if (name.length > maxLength) {
    return `The event name '${printable(name, 40)}' is ${name.length} characters long; the limit is ${maxLength}`;
  }
  return undefined;
}

/** Whether a string takes more bytes in UTF-8; counts only if its length does not tell. */
export function byteLengthExceeds(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}
