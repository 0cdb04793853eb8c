import type { HttpResponse as NativeResponse } from 'uWebSockets.js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LoopTurns } from '../core/connection/loop-turns.ts';
import type { HttpResponse } from '../core/contracts/http.ts';
import type { CopiedRequest } from './copied-request.ts';
import { writeAnswer } from './http-answer.ts';
import type { HttpBody } from './http-body.ts';

const STOPPING: HttpResponse = Object.freeze({
  status: 503,
  body: 'The server stops before it could finish this request: send it again',
  headers: [['Retry-After', '1'] as const],
});

/**
 * Answers that are written in one turn of the event loop. uWebSockets.js reads from one connection as long as that has
 * anything, and would answer a hundred thousand requests before it looks at another; but it cuts a connection that asks
 * again before it was answered.
 */
const MAX_ANSWERS_PER_TURN = 100;

/** To write an answer with so long a body takes twice as long as to write a short one. */
const CHARACTERS_LIKE_AN_ANSWER = 1000;

/**
 * Answers without a body that a connection gets, on average. They are over at once, and nothing tells on which
 * connection one goes out, nor how many it has not read.
 */
const MAX_EMPTY_ANSWERS = 500;

/** The requests that have not been answered yet: at most one on each connection. */
export class PendingRequests {
  readonly #turns = new LoopTurns(MAX_ANSWERS_PER_TURN);
  readonly #requests = new Set<PendingRequest>();
  /** Those whose body was complete in this turn of the event loop. */
  #completed: PendingRequest[] = [];
  #whenNone: (() => void) | undefined;

  get size(): number {
    return this.#requests.size;
  }

  /** Before the first await, since the native response tells by it that its client has gone. */
  add(res: NativeResponse, request: CopiedRequest): PendingRequest {
    const pending = new PendingRequest(res, request, this);
    this.#requests.add(pending);
    return pending;
  }

  /** Resolves once all have been answered; those that have not been within `ms` are answered 503. */
  async finish(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenNone = resolve;
      if (this.#requests.size === 0) resolve();
      else timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#whenNone = undefined;
    for (const request of this.#requests) request.answer(STOPPING, true);
  }

  /** Undefined if an answer may be written at once. */
  turn({ body }: HttpResponse): Promise<void> | undefined {
    return this.#turns.take(1 + Math.floor(body.length / CHARACTERS_LIKE_AN_ANSWER));
  }

  over(request: PendingRequest): void {
    this.#requests.delete(request);
    if (this.#requests.size === 0) this.#whenNone?.();
  }

  completed(request: PendingRequest): void {
    this.#completed.push(request);
    if (this.#completed.length === 1) setImmediate(() => this.#holdBack());
  }

  #holdBack(): void {
    const completed = this.#completed;
    this.#completed = [];
    for (const request of completed) request.holdBack();
  }
}

/** One request until it is answered or its client has gone, and all that touches its native response. */
export class PendingRequest {
  /** What it holds until then. */
  body: HttpBody | undefined;
  readonly #res: NativeResponse;
  readonly #request: CopiedRequest;
  readonly #all: PendingRequests;
  #over = false;
  #heldBack = false;

  constructor(res: NativeResponse, request: CopiedRequest, all: PendingRequests) {
    this.#res = res;
    this.#request = request;
    this.#all = all;
    res.onAborted(() => this.#end());
  }

  /** Its body is there, and the answer may take a while. */
  complete(): void {
    if (!this.#over) this.#all.completed(this);
  }

  /** uWebSockets.js cuts a connection on which another request comes before the answer; so none is read until then. */
  holdBack(): void {
    if (this.#over) return;
    this.#heldBack = true;
    // Without it, uWebSockets.js would cut a paused response after ten seconds.
    this.#res.onWritable(() => true);
    this.#res.pause();
  }

  /** Nothing happens if it has been answered, or its client has gone. */
  answer(response: HttpResponse, closeConnection: boolean): void {
    if (this.#over) return;
    const isEmpty = response.body === '' || this.#request.method === 'HEAD';
    const isLast = closeConnection || (isEmpty && Math.random() * MAX_EMPTY_ANSWERS < 1);
    // The last answer goes out in a turn of its own: another request in the same packet would keep the connection open.
    const turn = isLast ? nextTurn() : this.#all.turn(response);
    if (turn === undefined) this.#write(response, isLast);
    else {
      this.complete();
      void turn.then(() => this.#write(response, isLast));
    }
  }

  #write(response: HttpResponse, isLast: boolean): void {
    if (this.#over) return;
    this.#end();
    if (this.#heldBack) this.#res.resume();
    let isToClose = false;
    this.#res.cork(() => {
      isToClose = writeAnswer(this.#res, this.#request.method, response, isLast);
    });
    if (isToClose) this.#res.close();
  }

  /** Ends its connection at once, without an answer. */
  cut(): void {
    if (this.#over) return;
    this.#end();
    this.#res.close();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#request.leaveNative();
    this.body?.end();
    this.#all.over(this);
  }
}
