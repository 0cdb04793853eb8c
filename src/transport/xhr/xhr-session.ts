import type { Connection } from '../../core/connection/connection.ts';
import type { Socket } from '../../core/contracts/transport.ts';
import type { ReceiveAllowance } from '../receive-allowance.ts';
import { LITTLE_BYTES } from '../slow-reader.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { askLine, closeLine, heartbeatLine, type Line, marker, messageLine } from './lines.ts';
import type { Opener } from './opener.ts';
import type { Receiver } from './receiver.ts';
import { SendOrder } from './send-order.ts';
import { type LineBudget, WaitingLines } from './waiting-lines.ts';

/** What a session tells the one that keeps it. */
export interface SessionKeeper {
  /** It has lines and someone to take them: flush it at the end of this turn of the event loop. */
  flushSoon(session: XhrSession): void;
  /** A frame was handed to so many sessions. */
  sent(frame: string, sessions: number): void;
  joined(session: XhrSession, topic: string): void;
  left(session: XhrSession, topic: string): void;
  /** The client has answered up to what a ping of this payload asked. */
  answered(session: XhrSession, payload: string): void;
  /** Too much waited. Called in the middle of a publish. */
  fellBehind(session: XhrSession): void;
  /** It has been given what waited before it fell behind. */
  hasReadItsLast(session: XhrSession): void;
  /** The connection is over, though its client may not have read so yet. */
  ended(session: XhrSession): void;
  /** No request waits for lines any more; `aborted` if the client broke it off. */
  away(session: XhrSession, aborted: boolean): void;
  /** Nothing more is to come from it or go to it. */
  gone(session: XhrSession): void;
}

export interface SessionOptions {
  readonly key: string;
  readonly transport: XhrSession['transport'];
  readonly opener: Opener;
  readonly allowance: ReceiveAllowance;
  readonly keeper: SessionKeeper;
  readonly budget: LineBudget;
}

/** One client's session over HTTP: a connection whose frames wait as lines until a request takes them. */
export class XhrSession implements Socket {
  readonly key: string;
  /** By the request that opened it. */
  readonly transport: 'xhr-streaming' | 'xhr-polling';
  readonly opener: Opener;
  readonly topics = new Set<string>();
  readonly allowance: ReceiveAllowance;
  readonly acknowledgements = new Acknowledgements();
  /** Undefined until it is opened, and if it was refused. */
  connection: Connection | undefined;
  readonly #keeper: SessionKeeper;
  readonly #waiting: WaitingLines;
  #order: SendOrder | undefined;
  #receiver: Receiver | undefined;
  #polls = false;
  #flushIsDue = false;
  /** It has missed a frame and gets no further one, but what is left to be said to it once it has read the last. */
  #behind = false;
  #hasReadItsLast = false;
  /** The close line was added: no further line is. */
  #ended = false;
  #gone = false;
  #waitingForDrain: (() => void)[] = [];

  constructor(options: SessionOptions) {
    const { key, transport, opener, allowance, keeper, budget } = options;
    this.key = key;
    this.transport = transport;
    this.opener = opener;
    this.allowance = allowance;
    this.#keeper = keeper;
    this.#waiting = new WaitingLines(budget);
  }

  /** It is to be closed, or is; its client may not have read so yet. */
  get isEnding(): boolean {
    return this.#ended || this.#behind;
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** Whether a request waits that lines can be given to. */
  get isAttended(): boolean {
    return this.#receiver?.isSpent === false;
  }

  get waitingBytes(): number {
    return this.#waiting.bytes;
  }

  send(frame: string): void {
    if (!this.#isReached) return;
    this.put(messageLine(frame));
    this.#keeper.sent(frame, 1);
  }

  /** Adds a line that may be shared with other sessions. */
  put(line: Line): void {
    if (!this.#isReached) return;
    // Many frames in one turn: what the client can take now need not wait for the turn's end.
    if (this.#waiting.bytes > LITTLE_BYTES) this.#flush();
    if (this.#waiting.add(line)) {
      this.#flushLater();
      return;
    }
    if (this.#behind) return;
    this.#behind = true;
    this.#leaveTopics();
    this.#keeper.fellBehind(this);
  }

  together(act: () => void): void {
    act();
  }

  join(topic: string): void {
    if (this.isEnding || this.topics.has(topic)) return;
    this.topics.add(topic);
    this.#keeper.joined(this, topic);
  }

  leave(topic: string): void {
    if (this.topics.delete(topic)) this.#keeper.left(this, topic);
  }

  /** How the client acknowledges is said in Acknowledgements. */
  ping(payload: string, byItself = false): void {
    if (!this.#isReached) return;
    // Ends the poll that waits, so that there is a next one.
    if (this.#polls && byItself) this.put(heartbeatLine());
    if (!this.#polls) {
      this.put(payload === '' ? heartbeatLine() : askLine(payload));
    } else if (payload === '') {
      if (this.#waiting.isEmpty) this.put(heartbeatLine());
    } else if (!this.#waiting.isEmpty) {
      this.put(marker(payload));
    } else if (this.isAttended) {
      this.#keeper.answered(this, payload);
    } else {
      this.acknowledgements.askByPoll(payload);
    }
  }

  async drained(): Promise<void> {
    if (this.isEnding || this.#waiting.bytes <= LITTLE_BYTES) return;
    await new Promise<void>((resolve) => this.#waitingForDrain.push(resolve));
  }

  close(code: number, reason: string): void {
    if (this.#ended) return;
    this.#end(code, reason);
    this.#keeper.ended(this);
  }

  /** A request has come for the session's lines; an older one that still waits makes place for it. */
  attach(receiver: Receiver): void {
    const older = this.#receiver;
    this.#receiver = receiver;
    this.#polls = !receiver.isStreaming;
    older?.replace();
    if (this.#polls) this.#answered(this.acknowledgements.polled(this.#waiting));
    this.#flush();
  }

  /** The client of this request has broken it off. */
  detach(receiver: Receiver): void {
    if (this.#receiver !== receiver) return;
    this.#receiver = undefined;
    if (!this.#gone) this.#keeper.away(this, true);
  }

  /** Ends a poll that has waited long enough. */
  heartbeat(): void {
    if (this.#waiting.isEmpty) this.put(heartbeatLine());
  }

  /** The messages of a send, once it is their turn. @param number what the client numbered it, if it did */
  inOrder(number: number | undefined, deliver: () => void): void {
    const opened = this.opener.requestNumber;
    if (number === undefined || opened === undefined) {
      deliver();
      return;
    }
    this.#order ??= new SendOrder(opened);
    this.#order.take(number, () => {
      if (!this.#gone) deliver();
    });
  }

  /** A `pusher:pong` has come. */
  pong(): void {
    this.#answered(this.acknowledgements.pong());
  }

  flush(): void {
    this.#flushIsDue = false;
    this.#flush();
  }

  /** Ends it at once, whatever still waits. */
  cut(): void {
    if (this.#gone) return;
    const receiver = this.#receiver;
    this.#leave();
    receiver?.cut();
  }

  /** Whether what it is told now is not lost. */
  get #isReached(): boolean {
    return !this.#ended && (!this.#behind || this.#hasReadItsLast);
  }

  #flushLater(): void {
    if (this.#flushIsDue || !this.isAttended) return;
    this.#flushIsDue = true;
    this.#keeper.flushSoon(this);
  }

  #flush(): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#gone) return;
    const wasSpent = receiver.isSpent;
    receiver.take(this.#waiting, this.#taken);
    if (this.#waiting.bytes <= LITTLE_BYTES) this.#wake();
    if (this.#ended && this.#waiting.isEmpty) {
      receiver.end();
      this.#leave();
      return;
    }
    if (receiver.isSpent && !wasSpent) this.#keeper.away(this, false);
    if (!this.#behind || this.#hasReadItsLast || !this.#waiting.isEmpty) return;
    this.#hasReadItsLast = true;
    this.#keeper.hasReadItsLast(this);
  }

  readonly #taken = (line: Line): void => this.acknowledgements.given(line, this.#polls);

  #answered(payload: string | undefined): void {
    if (payload !== undefined && !this.#ended) this.#keeper.answered(this, payload);
  }

  #end(code: number, reason: string): void {
    this.#ended = true;
    this.#leaveTopics();
    this.#waiting.addRegardless(closeLine(code, reason));
    this.#order?.close();
    this.#wake();
    this.#flushLater();
  }

  #leave(): void {
    this.#ended = true;
    this.#gone = true;
    this.#receiver = undefined;
    this.#leaveTopics();
    this.#waiting.clear();
    this.#order?.close();
    this.#wake();
    this.#keeper.gone(this);
  }

  #leaveTopics(): void {
    for (const topic of this.topics) this.#keeper.left(this, topic);
    this.topics.clear();
  }

  #wake(): void {
    if (this.#waitingForDrain.length === 0) return;
    const waiting = this.#waitingForDrain;
    this.#waitingForDrain = [];
    for (const resolve of waiting) resolve();
  }
}
