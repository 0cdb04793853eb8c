import type { Logger } from '../core/contracts/logger.ts';
import { appIdOf, channelOf } from '../core/contracts/topic.ts';
import { type EventWatch, eventId, type Watcher } from '../core/delivery/event-watch.ts';
import { isJsonObject, parseJson } from '../protocol/frames.ts';
import type { ServerLog } from './log.ts';

/**
 * Tells of each event that it was accepted, and of each that it was delivered, to how many sockets of this node: never
 * what it says. `id` is that of the console's tail: the same at each stage and on every node. Nothing is watched while
 * that part of the log is not at `debug`.
 *
 * @returns to be called when the levels may have changed
 */
export function logEvents(watch: EventWatch, log: ServerLog): () => void {
  const logger = log.of('events');
  let end: (() => void) | undefined;
  const look = () => {
    if (log.debugs('events')) {
      end ??= watch.add(tellOf(logger));
    } else {
      end?.();
      end = undefined;
    }
  };
  look();
  return look;
}

function tellOf(logger: Logger): Watcher {
  return ({ stage, topic, frame, exceptSocketId, receivers }) => {
    const message = parseJson(frame);
    const name = isJsonObject(message) ? message.event : undefined;
    const fields = {
      appId: appIdOf(topic),
      channel: channelOf(topic),
      event: typeof name === 'string' ? name : undefined,
      id: eventId(topic, frame),
      bytes: Buffer.byteLength(frame),
      ...(exceptSocketId === undefined ? {} : { exceptSocketId }),
    };
    if (stage === 'accepted') logger.debug(fields, 'event accepted');
    else logger.debug({ ...fields, subscribers: receivers }, 'event delivered');
  };
}
