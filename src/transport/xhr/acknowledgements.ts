import type { Line } from './lines.ts';
import type { WaitingLines } from './waiting-lines.ts';

/** Pings that may be unanswered: further ones are not counted, so that an answer stands for less, never for more. */
const MAX_UNANSWERED = 100;

/**
 * What a client was asked, and what tells that it has read up to there: over streaming a `pusher:pong`, since it reads
 * in order; with polls the next one, which it only sends once it has read the answer to the last.
 */
export class Acknowledgements {
  /** Payloads that the client was asked for over streaming and has not answered yet. */
  #asked: string[] = [];
  /** Heartbeats over streaming that the client has not answered yet. */
  #heartbeats = 0;
  /** What the next poll answers. */
  #byPoll: string | undefined;

  /** A line was given to the client. */
  given(line: Line, polls: boolean): void {
    if (line.isHeartbeat && !polls) this.#heartbeats += 1;
    if (line.asks === undefined) return;
    if (line.bytes.length > 0) {
      if (this.#asked.length < MAX_UNANSWERED) this.#asked.push(line.asks);
    } else if (polls) this.#byPoll = line.asks;
  }

  /** The next poll is to answer this. */
  askByPoll(payload: string): void {
    this.#byPoll = payload;
  }

  /** A `pusher:pong` has come: what it answers is the oldest that is open. */
  pong(): string | undefined {
    return this.#asked.shift();
  }

  /** An empty send has come: whether it was an answer to a heartbeat. */
  heartbeatAnswered(): boolean {
    if (this.#heartbeats === 0) return false;
    this.#heartbeats -= 1;
    return true;
  }

  /** A poll has come: what it answers. Markers in front of what waits stand behind what the last one was given. */
  polled(waiting: WaitingLines): string | undefined {
    let payload = this.#byPoll;
    this.#byPoll = undefined;
    while (waiting.next?.bytes.length === 0) payload = waiting.shift()?.asks;
    return payload;
  }
}
