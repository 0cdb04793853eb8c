/**
 * What was delivered on a topic while somebody was about to join it; a change of members stands for itself by its
 * number.
 */
type Recorded = { readonly frame: string; readonly exceptSocketId: string | undefined } | { readonly version: number };

interface Recording {
  readonly recorded: Recorded[];
  joins: number;
}

/** Keeps what topics are sent while joins are under way, so that a join that is confirmed late misses nothing. */
export class Recordings {
  readonly #recordings = new Map<string, Recording>();

  /** A join begins; gives where in the recording it does. Each needs its `end`. */
  begin(topic: string): number {
    let recording = this.#recordings.get(topic);
    if (recording === undefined) {
      recording = { recorded: [], joins: 0 };
      this.#recordings.set(topic, recording);
    }
    recording.joins += 1;
    return recording.recorded.length;
  }

  end(topic: string): void {
    const recording = this.#recordings.get(topic);
    if (recording === undefined) return;
    recording.joins -= 1;
    if (recording.joins === 0) this.#recordings.delete(topic);
  }

  frame(topic: string, frame: string, exceptSocketId: string | undefined): void {
    this.#recordings.get(topic)?.recorded.push({ frame, exceptSocketId });
  }

  change(topic: string, version: number): void {
    this.#recordings.get(topic)?.recorded.push({ version });
  }

  /**
   * Frames for a socket since its join began or, where the recording has it, since the change of members by which the
   * join took effect.
   */
  since(topic: string, start: number, socketId: string, version = 0): string[] {
    const recorded = this.#recordings.get(topic)?.recorded ?? [];
    const effect = version === 0 ? -1 : recorded.findIndex((item) => 'version' in item && item.version >= version);
    const frames: string[] = [];
    for (const item of recorded.slice(Math.max(start, effect))) {
      if ('frame' in item && item.exceptSocketId !== socketId) frames.push(item.frame);
    }
    return frames;
  }
}
