import { createHash } from 'node:crypto';
import type { Logger } from '../core/contracts/logger.ts';
import { appIdOf, channelOf } from '../core/contracts/topic.ts';
import type { EventWatch } from '../core/delivery/event-watch.ts';
import { isJsonObject, parseJson } from '../protocol/frames.ts';

/**
 * Tells of each event that it was accepted, and of each that it was delivered, to how many sockets of this node: never
 * what it says. `event` and `id` are the same at each stage and on every node; an event that is like another to the
 * last byte has that one's id.
 */
export function logEvents(watch: EventWatch, logger: Logger): void {
  watch.add(({ stage, topic, frame, exceptSocketId, receivers }) => {
    const message = parseJson(frame);
    const name = isJsonObject(message) ? message.event : undefined;
    const fields = {
      appId: appIdOf(topic),
      channel: channelOf(topic),
      event: typeof name === 'string' ? name : undefined,
      id: createHash('sha256').update(`${topic} ${frame}`).digest('base64url').slice(0, 8),
      bytes: Buffer.byteLength(frame),
      ...(exceptSocketId === undefined ? {} : { exceptSocketId }),
    };
    if (stage === 'accepted') logger.debug(fields, 'event accepted');
    else logger.debug({ ...fields, subscribers: receivers }, 'event delivered');
  });
}
