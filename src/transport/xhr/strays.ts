import { randomBytes } from 'node:crypto';
import type { Cluster } from '../../core/cluster/cluster.ts';
import type { HttpResponse } from '../../core/contracts/http.ts';
import type { Logger } from '../../core/contracts/logger.ts';
import type { Metrics } from '../../core/contracts/metrics.ts';
import { isJsonObject, type JsonObject } from '../../protocol/frames.ts';
import type { Output } from './output.ts';
import { RelayedOutput, type RelayedPart, RelayedResponse } from './relay.ts';

/** A request, as nodes tell one another of it. */
export interface SessionRequest {
  /** From `sessionKey`: no node tells another a path, which may name a session to resume. */
  readonly key: string;
  /** From `openerDigest`. */
  readonly digest: string;
  readonly ip: string;
  /** By which pusher-js numbers it. */
  readonly number?: number | undefined;
}

/** What a node does for the others; undefined: it has no such session. */
export interface SessionHolder {
  send(request: SessionRequest, body: Buffer): HttpResponse | undefined;
  /** @returns what its client does when it has gone, or the answer that refuses it */
  receive(
    request: SessionRequest,
    isStreaming: boolean,
    output: Output,
  ): { readonly gone: () => void; readonly lost: () => void } | HttpResponse | undefined;
}

/** So long the other nodes are asked for a session. */
const MAX_ASKING_MS = 500;
/** Responses under way of one direction: beyond, a session is treated as if no other node had it. */
const MAX_RELAYS = 10_000;

const MISROUTED =
  'a request met a node that does not have its HTTP session, and was passed on: let the proxy route them by the ' +
  'session in the path, which costs less (docs/fallback.md)';

/**
 * Requests that met a node which does not have their session: they are passed on to the one that has it, by messages
 * between the nodes. So a balancer may do as it likes, if at a price; and a session lives on when one that routes by
 * the path is told of another node.
 */
export class Strays {
  readonly #metrics: Metrics;
  readonly #cluster: Cluster;
  readonly #logger: Logger;
  /** For this node's clients, whose sessions are on other nodes. */
  readonly #responses = new Map<string, RelayedResponse>();
  /** For other nodes' clients, whose sessions are on this node: what to do when they have gone. */
  readonly #elsewhere = new Map<string, () => void>();
  #hasWarned = false;

  constructor(cluster: Cluster, holder: SessionHolder, metrics: Metrics, logger: Logger) {
    this.#cluster = cluster;
    this.#metrics = metrics;
    this.#logger = logger;
    metrics.bounds.push({ name: 'http-relays', limit: () => MAX_RELAYS, held: () => this.#responses.size });
    cluster.answer('http-send', (params) => holder.send(requestOf(params), Buffer.from(String(params.body))));
    cluster.answer('http-receive', (params, from) => this.#hold(params, from, holder));
    cluster.answer('http-part', ({ id, part }, from) => this.#part(String(id), part, from));
    cluster.answer('http-gone', ({ id }) => this.#gone(String(id)));
  }

  /** Whether another node may have a session that is not here. */
  get mayBeElsewhere(): boolean {
    return this.#cluster.hasOthers && this.#responses.size < MAX_RELAYS;
  }

  /** The answer of the node that has the session; undefined if none has it. */
  async send(request: SessionRequest, body: Buffer): Promise<HttpResponse | undefined> {
    const params = { ...request, body: body.toString() };
    const [answer] = await this.#cluster.ask('http-send', params, { limitMs: MAX_ASKING_MS, first: true });
    if (answer !== undefined) this.#warn();
    return answer as HttpResponse | undefined;
  }

  /**
   * Looks for the node that has the session, which then writes to this output.
   * @param client tells of its going by what it is given
   * @returns false if no node has it: nothing was written
   */
  async receive(
    request: SessionRequest,
    isStreaming: boolean,
    output: Output,
    client: (gone: () => void) => void,
  ): Promise<boolean> {
    const id = randomBytes(8).toString('hex');
    const response = new RelayedResponse(output);
    this.#responses.set(id, response);
    client(() => {
      response.abort();
      this.#leave(id, response);
    });
    const params = { ...request, isStreaming, id };
    const [answer] = await this.#cluster.ask('http-receive', params, { limitMs: MAX_ASKING_MS, first: true });
    if (!isJsonObject(answer)) {
      this.#responses.delete(id);
      return response.isOver;
    }
    this.#warn();
    if (typeof answer.status === 'number') {
      this.#responses.delete(id);
      response.refuse(answer.status, String(answer.body));
    } else {
      response.holder = String(answer.node);
      if (response.isOver) this.#responses.delete(id);
    }
    return true;
  }

  /** Cuts off the clients whose session was at a node that has gone. */
  tick(): void {
    for (const [id, response] of this.#responses) {
      if (response.holder === undefined || this.#cluster.isThere(response.holder)) continue;
      response.cut();
      this.#responses.delete(id);
    }
  }

  #part(id: string, part: unknown, from: string): void {
    const response = this.#responses.get(id);
    if (!isJsonObject(part)) return;
    if (response === undefined) {
      // It answered too late, and its client was told something else.
      if (part.ends !== true && part.cut !== true) this.#tellGone(id, from);
      return;
    }
    const isWhole = response.take(part as unknown as RelayedPart);
    if (!isWhole) this.#leave(id, response);
    else if (response.isOver) this.#responses.delete(id);
  }

  #leave(id: string, { holder }: RelayedResponse): void {
    this.#responses.delete(id);
    this.#tellGone(id, holder);
  }

  /** @param holder undefined: all are told, as it is not known yet who has the session */
  #tellGone(id: string, holder: string | undefined): void {
    void this.#cluster.send(holder, { kind: 'http-gone', from: this.#cluster.id, id });
  }

  #hold(params: JsonObject, from: string, holder: SessionHolder): unknown {
    const id = String(params.id);
    if (this.#elsewhere.size >= MAX_RELAYS) {
      this.#metrics.refused.add('http-relays');
      return undefined;
    }
    let lost: () => void = () => undefined;
    const output = new RelayedOutput((part) => {
      if (part.ends === true || part.cut === true) this.#elsewhere.delete(id);
      const sent = this.#cluster.send(from, { kind: 'http-part', from: this.#cluster.id, id, part: { ...part } });
      void sent.then((isSent) => {
        if (!isSent) lost();
      });
    });
    // Before it is attached, as that may end it.
    let gone: () => void = () => undefined;
    this.#elsewhere.set(id, () => gone());
    const held = holder.receive(requestOf(params), params.isStreaming === true, output);
    if (held === undefined || 'status' in held) {
      this.#elsewhere.delete(id);
      return held;
    }
    gone = held.gone;
    lost = held.lost;
    return { node: this.#cluster.id };
  }

  #gone(id: string): void {
    const gone = this.#elsewhere.get(id);
    this.#elsewhere.delete(id);
    gone?.();
  }

  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warn({}, MISROUTED);
  }
}

function requestOf({ key, digest, ip, number }: JsonObject): SessionRequest {
  return {
    key: String(key),
    digest: String(digest),
    ip: String(ip),
    number: typeof number === 'number' ? number : undefined,
  };
}
