import type { Logger } from '../contracts/logger.ts';
import type { FactKind, Outbox } from '../contracts/outbox.ts';

/** Facts that come of no change of the roster: only the node at which they happen can write them. */
export class NodeFacts {
  readonly #outbox: Outbox;
  readonly #logger: Logger;

  constructor(outbox: Outbox, logger: Logger) {
    this.#outbox = outbox;
    this.#logger = logger;
  }

  /**
   * Nobody waits for it, and if the shared state is out of reach, it is lost. `detail` is asked for if it is wanted.
   */
  write(kind: FactKind, appId: string, channel: string, userId: string | undefined, detail: () => object): void {
    if (!this.#outbox.wants(kind, appId, channel)) return;
    const fact = { kind, appId, channel, userId, detail: JSON.stringify(detail()) };
    this.#outbox.write([fact]).catch((error: unknown) => {
      this.#logger.warn({ appId, kind, err: error }, 'what happened could not be written down, and nobody is told');
    });
  }
}
