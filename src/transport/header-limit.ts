import type { HttpRequest as NativeRequest } from 'uWebSockets.js';
import type { HttpResponse } from '../core/contracts/http.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import { loggablePath } from '../core/lifecycle/resume-token.ts';
import { printable } from '../protocol/channel-name.ts';

/** `: ` and the end of the line. */
const AROUND_BYTES = 4;

/** How much a request's headers may have together, whichever they are: more is answered 431, and told in the log. */
export class HeaderLimit {
  readonly #maxBytes: number;
  readonly #metrics: Metrics;
  readonly #logger: Logger;

  constructor(maxBytes: number, metrics: Metrics, logger: Logger) {
    this.#maxBytes = maxBytes;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  isExceeded(req: NativeRequest): boolean {
    return measured(req).bytes > this.#maxBytes;
  }

  /** The answer to a request that has too much; undefined if it has not. */
  refusal(req: NativeRequest, ip: () => string): HttpResponse | undefined {
    const { bytes, largest, largestBytes } = measured(req);
    const maxBytes = this.#maxBytes;
    if (bytes <= maxBytes) return undefined;
    this.#metrics.refused.add('header-bytes');
    const name = printable(largest);
    const fields = { path: printable(loggablePath(req.getUrl())), bytes, maxBytes, largest: name, largestBytes };
    this.#logger.warn({ ip: ip(), ...fields }, 'headers refused: they are over http.maxHeaderBytes');
    return {
      status: 431,
      body: `The headers have ${bytes} bytes, and may have ${maxBytes}; the largest is ${name}, with ${largestBytes}`,
    };
  }
}

function measured(req: NativeRequest): { bytes: number; largest: string; largestBytes: number } {
  let bytes = 0;
  let largest = '';
  let largestBytes = 0;
  req.forEach((name, value) => {
    const own = name.length + value.length + AROUND_BYTES;
    bytes += own;
    if (own <= largestBytes) return;
    largest = name;
    largestBytes = own;
  });
  return { bytes, largest, largestBytes };
}
