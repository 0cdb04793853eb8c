import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isJsonObject, type JsonObject, parseJson } from '../../protocol/frames.ts';
import { type Broker, BrokerUnavailable } from '../contracts/broker.ts';
import type { Logger } from '../contracts/logger.ts';
import { topicOf } from '../contracts/topic.ts';
import type { Delivery } from '../delivery/delivery.ts';

/** How a node presents itself to the others. */
export interface NodeStatus {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAtMs: number;
  readonly ready: boolean;
  readonly [figure: string]: unknown;
}

/** A node, and when it was last heard of. */
export interface KnownNode extends NodeStatus {
  readonly heardAtMs: number;
}

/** Answers a question of any node; `undefined` is no answer. */
export type Answer = (params: JsonObject, from: string) => unknown;

export interface ClusterDependencies {
  readonly broker: Broker;
  readonly delivery: Delivery;
  readonly version: string;
  /** Whether new clients should be sent here. */
  readonly isReady: () => boolean;
  readonly logger: Logger;
}

const ANNOUNCE_MS = 5000;
/** A node that was not heard of for so long is shown as gone… */
export const SILENT_MS = 15_000;
/** …and no longer after this. */
const FORGET_MS = 60_000;
const MAX_NODES = 200;
const MAX_ANSWER_MS = 1500;
const EVERYONE = topicOf('', '#nodes');

export interface Asking {
  /** So long an answer is waited for. */
  readonly limitMs?: number;
  /** Only one node can know: the first answer ends the waiting. */
  readonly first?: boolean;
}

interface Asked {
  readonly answers: unknown[];
  readonly missing: Set<string>;
  readonly first: boolean;
  readonly done: () => void;
}

/**
 * What the nodes tell one another beside what clients are sent, by messages on topics of their own: any broker will
 * do. Each node says every few seconds how it is, and answers questions about its own connections.
 */
export class Cluster {
  readonly id = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  readonly #deps: ClusterDependencies;
  readonly #startedAtMs = Date.now();
  readonly #nodes = new Map<string, KnownNode>();
  readonly #answers = new Map<string, Answer>();
  readonly #asked = new Map<string, Asked>();
  #figures: () => Readonly<Record<string, unknown>> = () => ({});
  readonly #mine: string;
  #isSubscribed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(dependencies: ClusterDependencies) {
    this.#deps = dependencies;
    this.#mine = topicOf('', `#node-${this.id}`);
  }

  /** The broker must have started; it may be away. */
  start(): void {
    for (const topic of [EVERYONE, this.#mine]) this.#deps.delivery.listen(topic, (text) => this.#receive(text));
    void this.#announce();
    this.#timer = setInterval(() => void this.#announce(), ANNOUNCE_MS);
    this.#timer.unref();
  }

  /** Before the broker closes. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.send(undefined, { kind: 'gone', from: this.id });
    for (const topic of [EVERYONE, this.#mine]) this.#deps.delivery.unlisten(topic);
  }

  /** This one first, then the others by name. */
  nodes(): readonly KnownNode[] {
    this.#forgetDead();
    const others = [...this.#nodes.values()].sort((a, b) => a.id.localeCompare(b.id));
    return [{ ...this.#status(), heardAtMs: Date.now() }, ...others];
  }

  /** Whether another node was heard of lately. */
  get hasOthers(): boolean {
    for (const { heardAtMs } of this.#nodes.values()) if (isHeard(heardAtMs)) return true;
    return false;
  }

  /** Whether this node was heard of lately. */
  isThere(id: string): boolean {
    const node = this.#nodes.get(id);
    return id === this.id || (node !== undefined && isHeard(node.heardAtMs));
  }

  /** What this node is to tell of itself beside its name. */
  tell(figures: () => Readonly<Record<string, unknown>>): void {
    this.#figures = figures;
  }

  answer(kind: string, answer: Answer): void {
    this.#answers.set(kind, answer);
  }

  /** Asks every node, this one among them; resolves with what was answered in time. */
  async ask(
    kind: string,
    params: JsonObject,
    { limitMs = MAX_ANSWER_MS, first = false }: Asking = {},
  ): Promise<readonly unknown[]> {
    const own = this.#answers.get(kind)?.(params, this.id);
    const missing = new Set(
      this.nodes().flatMap(({ id, heardAtMs }) => (isHeard(heardAtMs) && id !== this.id ? [id] : [])),
    );
    const answers: unknown[] = own === undefined ? [] : [own];
    if (missing.size === 0) return answers;
    const id = randomBytes(8).toString('hex');
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limitMs);
        this.#asked.set(id, { answers, missing, first, done: resolve });
        void this.send(undefined, { kind: 'ask', from: this.id, id, about: kind, params });
      });
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
    return answers;
  }

  /** To one node, or to all. False if it could not be sent, and is lost. */
  async send(to: string | undefined, message: JsonObject): Promise<boolean> {
    const topic = to === undefined ? EVERYONE : topicOf('', `#node-${to}`);
    try {
      await this.#deps.broker.publish([{ topic, frame: JSON.stringify(message) }]);
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #status(): NodeStatus {
    const { version, isReady } = this.#deps;
    const self = { id: this.id, host: hostname(), pid: process.pid, startedAtMs: this.#startedAtMs };
    return { ...self, version, ready: isReady(), ...this.#figures() };
  }

  async #announce(): Promise<void> {
    if (!this.#isSubscribed) await this.#subscribe();
    await this.send(undefined, { kind: 'status', from: this.id, status: this.#status() });
  }

  /** Tried again at the next turn if the broker is away. */
  async #subscribe(): Promise<void> {
    try {
      for (const topic of [EVERYONE, this.#mine]) await this.#deps.broker.subscribe(topic);
      this.#isSubscribed = true;
    } catch (error) {
      this.#failed(error);
    }
  }

  #receive(text: string): void {
    const message = parseJson(text);
    if (!isJsonObject(message) || typeof message.from !== 'string' || message.from === this.id) return;
    const { kind, from } = message;
    if (kind === 'gone') this.#nodes.delete(from);
    else if (kind === 'status') this.#heard(from, message.status);
    else if (kind === 'ask') this.#asks(from, message);
    else if (kind === 'answer') this.#answered(from, message);
    else if (typeof kind === 'string') this.#answers.get(kind)?.(message, from);
  }

  #heard(from: string, status: unknown): void {
    if (!isJsonObject(status)) return;
    const isNew = !this.#nodes.has(from);
    if (isNew) this.#forgetDead();
    if (isNew && this.#nodes.size >= MAX_NODES) return;
    this.#nodes.set(from, { ...(status as unknown as NodeStatus), id: from, heardAtMs: Date.now() });
    // A newcomer need not wait for our next turn to know of us.
    if (isNew) void this.#announce();
  }

  #forgetDead(): void {
    const now = Date.now();
    for (const [id, { heardAtMs }] of this.#nodes) if (now - heardAtMs > FORGET_MS) this.#nodes.delete(id);
  }

  #asks(from: string, { id, about, params }: JsonObject): void {
    if (typeof about !== 'string' || !isJsonObject(params)) return;
    const data = this.#answers.get(about)?.(params, from);
    void this.send(from, { kind: 'answer', from: this.id, id, ...(data === undefined ? {} : { data }) });
  }

  #answered(from: string, { id, data }: JsonObject): void {
    const asked = typeof id === 'string' ? this.#asked.get(id) : undefined;
    if (asked === undefined || !asked.missing.delete(from)) return;
    if (data !== undefined) asked.answers.push(data);
    if (asked.missing.size === 0 || (asked.first && data !== undefined)) asked.done();
  }

  #failed(error: unknown): void {
    if (error instanceof BrokerUnavailable) return;
    this.#deps.logger.error({ err: error }, 'this node could not talk to the others');
  }
}

function isHeard(heardAtMs: number): boolean {
  return Date.now() - heardAtMs < SILENT_MS;
}
