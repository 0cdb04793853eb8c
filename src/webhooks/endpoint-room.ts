/** What may wait for an endpoint that does not answer. The oldest are given up beyond that. */
const MAX_EVENTS_OF_ENDPOINT = 5000;
const MAX_EVENT_BYTES_OF_ENDPOINT = 8 * 1024 * 1024;
/** What may wait for all endpoints of this node, whichever app they are of. */
const MAX_EVENTS_OF_ENDPOINTS = 15_000;
const MAX_EVENT_BYTES_OF_ENDPOINTS = 32 * 1024 * 1024;

/** One endpoint may take at most this part of what is still free: so those that take nothing leave others room. */
const SHARE_OF_FREE = 1 / 2;

const MB = 1024 * 1024;

/** What waits for the endpoints of this node together. */
export class EndpointRoom {
  #events = 0;
  #bytes = 0;

  take(bytes: number): void {
    this.#events += 1;
    this.#bytes += bytes;
  }

  giveBack(events: number, bytes: number): void {
    this.#events -= events;
    this.#bytes -= bytes;
  }

  /** Why nothing more may wait for an endpoint for which so much does; undefined if it may. */
  problem(events: number, bytes: number): string | undefined {
    if (events >= MAX_EVENTS_OF_ENDPOINT) return `more than ${MAX_EVENTS_OF_ENDPOINT} events wait for the endpoint`;
    if (bytes >= MAX_EVENT_BYTES_OF_ENDPOINT) {
      return `more than ${MAX_EVENT_BYTES_OF_ENDPOINT / MB} MB of events wait for the endpoint`;
    }
    const isFull =
      events >= (MAX_EVENTS_OF_ENDPOINTS - this.#events) * SHARE_OF_FREE ||
      bytes >= (MAX_EVENT_BYTES_OF_ENDPOINTS - this.#bytes) * SHARE_OF_FREE;
    return isFull ? 'too many events wait, for this endpoint and for others' : undefined;
  }
}
