import { ERROR_CODES } from '../../protocol/error-codes.ts';
import { type ClientFrame, dataString, encodeEvent } from '../../protocol/frames.ts';
import type { Connection, Subscription } from '../connection/connection.ts';
import { TopicRates } from '../connection/rate-window.ts';
import { type Broker, BrokerUnavailable } from '../contracts/broker.ts';
import type { Metrics } from '../contracts/metrics.ts';
import { byteLengthExceeds, eventNameProblem } from '../delivery/publisher.ts';
import type { NodeFacts } from './node-facts.ts';

export const CLIENT_EVENT_PREFIX = 'client-';

/** Events that clients send one another. (Channels docs: client events) */
export class ClientEvents {
  readonly #broker: Broker;
  readonly #facts: NodeFacts;
  readonly #metrics: Metrics;
  readonly #channels = new TopicRates();

  constructor(broker: Broker, facts: NodeFacts, metrics: Metrics) {
    this.#broker = broker;
    this.#facts = facts;
    this.#metrics = metrics;
  }

  /** Refuses an event whose data is too large; false if it is not. */
  refuseTooLarge(connection: Connection, frame: ClientFrame): boolean {
    const problem = tooLarge(connection, dataString(frame.data));
    if (problem !== undefined) connection.sendError(null, problem, frame.channel);
    return problem !== undefined;
  }

  async trigger(connection: Connection, frame: ClientFrame, nowMs: number): Promise<void> {
    const subscription = frame.channel === undefined ? undefined : connection.subscriptions.get(frame.channel);
    const data = dataString(frame.data);
    const problem = clientEventProblem(connection, subscription, frame.event, data);
    if (problem !== undefined || subscription === undefined || data === undefined) {
      const message = problem ?? 'Client event rejected: the connection is not subscribed to the channel';
      connection.sendError(null, message, frame.channel);
      return;
    }
    const limit = connection.app.limits.clientEventsPerSecond;
    if (!connection.clientEvents.take(nowMs, limit)) {
      this.#metrics.refused.add('client-events-per-second');
      const { code, message } = ERROR_CODES.clientEventRate;
      connection.sendError(code, `${message} of ${limit} a second`, frame.channel);
      return;
    }
    const { topic, channel, member } = subscription;
    const ofChannel = connection.app.limits.clientEventsPerSecondOfChannel;
    if (!this.#channels.take(topic, nowMs, ofChannel)) {
      this.#metrics.refused.add('channel-client-events');
      const { code, message } = ERROR_CODES.clientEventRate;
      connection.sendError(code, `${message} of ${ofChannel} a second on this channel`, frame.channel);
      return;
    }
    const encoded = encodeEvent(frame.event, channel, data, member?.userId);
    try {
      const exceptSocketId = connection.socketId;
      await this.#broker.publish([{ topic, frame: encoded, exceptSocketId, durable: true }]);
      this.#metrics.clientEvents += 1;
      this.#facts.write('client_event', connection.app.id, channel, member?.userId, () => ({
        event: frame.event,
        data,
        socket_id: connection.socketId,
      }));
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      connection.sendError(null, 'The client event was not delivered: try again shortly', frame.channel);
    }
  }
}

function clientEventProblem(
  connection: Connection,
  subscription: Subscription | undefined,
  event: string,
  data: string | undefined,
): string | undefined {
  const { app } = connection;
  if (!app.clientEvents) return 'Client event rejected: they are disabled for this app';
  if (subscription === undefined) return undefined;
  const { kind } = subscription;
  if (kind.access === 'public' || kind.serverToUser || kind.encrypted) {
    return 'Client event rejected: they are allowed on private and presence channels that are not encrypted';
  }
  const name = eventNameProblem(event, app.limits.maxEventNameLength);
  if (name !== undefined) return `Client event rejected: ${name}`;
  if (data === undefined) return 'Client event rejected: its data is nested too deeply';
  return tooLarge(connection, data);
}

function tooLarge({ app }: Connection, data: string | undefined): string | undefined {
  const { maxEventBytes } = app.limits;
  if (data === undefined || !byteLengthExceeds(data, maxEventBytes)) return undefined;
  return `Client event rejected: its data is larger than ${maxEventBytes} bytes`;
}
