import { randomBytes } from 'node:crypto';
import { isJsonObject } from '../../protocol/frames.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { SavedSession } from '../contracts/session-store.ts';

/** What the node that holds a session says when another connection has claimed it. */
export interface Handover {
  /** Where its client stands; undefined if the node holds no such session any more. */
  readonly saved: SavedSession | undefined;
  /** Its page is there still: the session is that of two pages. */
  readonly isShared: boolean;
}

/** As it goes from node to node. */
interface WrittenHandover {
  readonly socketIds?: readonly string[];
  readonly channels?: ReadonlyArray<readonly [string, string, number]>;
  readonly isShared: boolean;
}

export const NOTHING: Handover = { saved: undefined, isShared: false };

/** A node that does not answer within this long is frozen, or dead. */
const MAX_HANDOVER_MS = 300;

/** Asks the node that holds a session for what it knows of it, and answers others that ask. */
export class Handovers {
  readonly #cluster: Cluster;
  readonly #handOver: (key: string) => Promise<Handover>;
  readonly #asked = new Map<string, (handover: Handover) => void>();

  /** @param handOver gives away a session of this node */
  constructor(cluster: Cluster, handOver: (key: string) => Promise<Handover>) {
    this.#cluster = cluster;
    this.#handOver = handOver;
    cluster.answer('release', ({ id, session }, from) => {
      if (typeof id === 'string' && typeof session === 'string') void this.#answer(from, id, session);
    });
    cluster.answer('released', ({ id, handover }) => {
      if (typeof id === 'string' && isJsonObject(handover)) {
        this.#asked.get(id)?.(read(handover as unknown as WrittenHandover));
      }
    });
  }

  /** This node's name. */
  get node(): string {
    return this.#cluster.id;
  }

  /** Resolves within 300 ms, with nothing if the node is silent. */
  async ask(holder: string, key: string): Promise<Handover> {
    if (holder === this.node) return await this.#handOver(key);
    const id = randomBytes(8).toString('hex');
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Handover>((resolve) => {
        timer = setTimeout(() => resolve(NOTHING), MAX_HANDOVER_MS);
        timer.unref();
        this.#asked.set(id, resolve);
        void this.#cluster.send(holder, { kind: 'release', from: this.node, id, session: key });
      });
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  async #answer(from: string, id: string, key: string): Promise<void> {
    const handover = await this.#handOver(key);
    await this.#cluster.send(from, { kind: 'released', from: this.node, id, handover: written(handover) });
  }
}

function written({ saved, isShared }: Handover): WrittenHandover {
  if (saved === undefined) return { isShared };
  const channels = [...saved.channels].map(([channel, { epoch, offset }]) => [channel, epoch, offset] as const);
  return { socketIds: saved.socketIds, channels, isShared };
}

function read({ socketIds, channels, isShared }: WrittenHandover): Handover {
  if (socketIds === undefined || channels === undefined) return { saved: undefined, isShared };
  const positions = channels.map(([channel, epoch, offset]) => [channel, { epoch, offset }] as const);
  return { saved: { socketIds, channels: new Map(positions) }, isShared };
}
