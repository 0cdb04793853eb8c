import { addressBlock } from '../../core/connection/address-block.ts';
import type { Current } from '../../core/contracts/current.ts';
import type { XhrSession } from './xhr-session.ts';

export interface SessionLimits {
  /** On this node at once, those included whose client has gone and may yet come back. */
  readonly maxSessions: number;
  /** For one address, or one /64 of IPv6. */
  readonly maxSessionsPerIp: number;
  /** A session that no request has waited at for so long is over. */
  readonly gapSeconds: number;
  /** A poll that has waited for so long is answered with a heartbeat, well before proxies lose patience. */
  readonly pollSeconds: number;
  /** A session that was closed but whose client does not read so is cut off after so long. */
  readonly closingSeconds: number;
}

/** A client that has broken off its request is gone, but for a proxy that sends it again. */
const ABORTED_GAP_MS = 1000;
const TICK_MS = 250;

/** The sessions of this node: how many there may be, and when each is over. */
export class XhrSessions {
  readonly #limits: Current<SessionLimits>;
  readonly #sessions = new Map<string, XhrSession>();
  readonly #perBlock = new Map<string, number>();
  /** Sessions that nobody attends, or that are closed: until when. */
  readonly #ends = new Map<XhrSession, number>();
  /** Polls that wait, the oldest first: until when. */
  readonly #polls = new Map<XhrSession, number>();
  readonly #timer: NodeJS.Timeout;

  #besides: (nowMs: number) => void = () => undefined;

  constructor(limits: Current<SessionLimits>) {
    this.#limits = limits;
    this.#timer = setInterval(() => {
      const nowMs = Date.now();
      this.#tick(nowMs);
      this.#besides(nowMs);
    }, TICK_MS);
    this.#timer.unref();
  }

  /** To be called every now and then besides. */
  whenTicking(besides: (nowMs: number) => void): void {
    this.#besides = besides;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(key: string): XhrSession | undefined {
    return this.#sessions.get(key);
  }

  /** Why an address may not open a further session, or undefined. */
  problem(ip: string): string | undefined {
    const { maxSessions, maxSessionsPerIp } = this.#limits();
    if (this.#sessions.size >= maxSessions) {
      return 'Over capacity: this node has reached its limit of HTTP sessions';
    }
    if ((this.#perBlock.get(addressBlock(ip)) ?? 0) >= maxSessionsPerIp) {
      return 'Over capacity: too many HTTP sessions from this address';
    }
    return undefined;
  }

  add(session: XhrSession): void {
    this.#sessions.set(session.key, session);
    const block = addressBlock(session.opener.ip);
    this.#perBlock.set(block, (this.#perBlock.get(block) ?? 0) + 1);
  }

  remove(session: XhrSession): void {
    this.#ends.delete(session);
    this.#polls.delete(session);
    if (this.#sessions.get(session.key) !== session) return;
    this.#sessions.delete(session.key);
    const block = addressBlock(session.opener.ip);
    const left = (this.#perBlock.get(block) ?? 1) - 1;
    if (left > 0) this.#perBlock.set(block, left);
    else this.#perBlock.delete(block);
  }

  /** A request waits at it now. */
  attended(session: XhrSession, polls: boolean): void {
    if (!session.isEnding) this.#ends.delete(session);
    this.#polls.delete(session);
    if (polls && session.isAttended) this.#polls.set(session, Date.now() + this.#limits().pollSeconds * 1000);
  }

  /** No request waits at it. @param aborted the client has broken off the last one */
  away(session: XhrSession, aborted: boolean): void {
    this.#polls.delete(session);
    if (session.isEnding) return;
    const gapMs = this.#limits().gapSeconds * 1000;
    this.#ends.set(session, Date.now() + (aborted ? Math.min(ABORTED_GAP_MS, gapMs) : gapMs));
  }

  /** It is closed, or is to be: its client has a while to read so. */
  ended(session: XhrSession): void {
    this.#ends.set(session, Date.now() + this.#limits().closingSeconds * 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(nowMs: number): void {
    for (const [session, endMs] of this.#ends) if (endMs <= nowMs) session.cut();
    for (const [session, endMs] of this.#polls) {
      if (endMs > nowMs) break;
      session.heartbeat();
    }
  }
}
