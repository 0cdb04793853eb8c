import { isInternalFrame } from '../../protocol/frames.ts';
import type { Broker, CachedFrame } from '../contracts/broker.ts';
import type { DeliveredFrame, Delivery } from '../delivery/delivery.ts';

/** A cache channel's last event, read for a joiner, and what has come since then. */
export interface CachedEvents {
  /** The last event and those after it, in order, for one socket; empty where there is none. */
  framesFor(socketId: string): readonly string[];
  stop(): void;
}

/**
 * Reads a cache channel's last event so that none falls between it and the moment at which the joiner's socket hears
 * the topic by itself.
 */
export async function readCachedEvents(broker: Broker, delivery: Delivery, topic: string): Promise<CachedEvents> {
  const recording = delivery.record(topic);
  const stop = () => delivery.stopRecording(topic, recording);
  try {
    const cached = await broker.cached(topic);
    return { framesFor: (socketId) => framesFor(cached, recording, socketId), stop };
  } catch (error) {
    stop();
    throw error;
  }
}

function framesFor(
  cached: CachedFrame | undefined,
  recording: readonly DeliveredFrame[],
  socketId: string,
): readonly string[] {
  const events = recording.filter(({ frame }) => !isInternalFrame(frame));
  // The last event may have been delivered while it was read: then it stands in the recording.
  const at = cached === undefined ? -1 : events.findLastIndex(({ frame }) => frame === cached.frame);
  const later = events.slice(Math.max(at, 0)).filter(({ exceptSocketId }) => exceptSocketId !== socketId);
  const frames = later.map(({ frame }) => frame);
  return cached === undefined || at >= 0 ? frames : [cached.frame, ...frames];
}
