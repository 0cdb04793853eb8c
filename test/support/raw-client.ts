import type { IncomingMessage } from 'node:http';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import { HttpWire } from './http-wire.ts';
import { unique } from './names.ts';
import { channelAuth, userAuth } from './signing.ts';
import type { Target } from './target.ts';
import { within } from './wait.ts';

/** One message of the wire. `raw` is the text as it came. */
export interface Frame {
  readonly raw: string;
  readonly event: string;
  readonly channel?: unknown;
  readonly data?: unknown;
  readonly user_id?: unknown;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** An event's name, or a test of the frame. */
export type Match = string | ((frame: Frame) => boolean);

export interface ConnectOptions {
  /** Path and query; the default is the one pusher-js uses. */
  readonly path?: string;
  readonly subprotocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Answer WebSocket pings, as every real client does. */
  readonly autoPong?: boolean;
  readonly perMessageDeflate?: boolean;
}

interface Waiting {
  readonly matches: (frame: Frame) => boolean;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: Error) => void;
}

const toTest = (match: Match) => (typeof match === 'string' ? (frame: Frame) => frame.event === match : match);

/** A frame of this event on this channel. */
export function on(channel: string, event: string): (frame: Frame) => boolean {
  const test = (frame: Frame) => frame.channel === channel && frame.event === event;
  return Object.assign(test, { toString: () => `${event} on ${channel}` });
}

/** The frame's `data`, which must be a JSON string, decoded. */
export function decoded(frame: Frame): unknown {
  if (typeof frame.data !== 'string') throw new Error(`data is no string: ${frame.raw}`);
  return JSON.parse(frame.data) as unknown;
}

/** The `code` of a `pusher:error`, whose `data` must be an object. */
export function errorCode(frame: Frame): unknown {
  const { data } = frame;
  if (frame.event !== 'pusher:error' || typeof data !== 'object' || data === null || !('code' in data)) {
    throw new Error(`no pusher:error with an object for its data: ${frame.raw}`);
  }
  return data.code;
}

function connect(target: Target, options: ConnectOptions): WebSocket | HttpWire {
  const { transport = 'ws' } = target;
  const path = options.path ?? `/app/${target.key}?protocol=7&client=js&version=8.6.0&flash=false`;
  const headers = options.headers ?? {};
  if (transport !== 'ws') return new HttpWire({ url: `${target.origin}/pusher${path}`, transport, headers });
  return new WebSocket(target.wsOrigin + path, [...(options.subprotocols ?? [])], {
    headers,
    autoPong: options.autoPong ?? true,
    perMessageDeflate: options.perMessageDeflate ?? false,
    rejectUnauthorized: false,
  });
}

/** A Pusher client without opinions: what is sent is sent as it stands, and every frame that comes is kept in order. */
export class RawClient {
  readonly #wire: WebSocket | HttpWire;
  readonly frames: Frame[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<Closed>;
  /** The answer to the upgrade. */
  readonly upgrade: Promise<IncomingMessage>;
  socketId = '';
  readonly #target: Target;
  readonly #waiting = new Set<Waiting>();
  #unread: Frame[] = [];
  #ended: Closed | undefined;

  private constructor(target: Target, options: ConnectOptions) {
    this.#target = target;
    const wire = connect(target, options);
    this.#wire = wire;
    this.upgrade = new Promise((resolve) => wire.once('upgrade', resolve));
    this.opened = new Promise((resolve, reject) => {
      wire.once('open', () => resolve());
      wire.once('error', reject);
    });
    this.opened.catch(() => undefined);
    this.closed = new Promise((resolve) => {
      wire.once('close', (code: number, reason: Buffer) => resolve(this.#end({ code, reason: reason.toString() })));
    });
    wire.on('error', () => undefined);
    wire.on('message', (bytes: unknown) => this.#receive(String(bytes)));
  }

  /** Starts a connection and waits for nothing. */
  static open(t: Test, target: Target, options: ConnectOptions = {}): RawClient {
    const client = new RawClient(target, options);
    t.teardown(() => client.#wire.terminate());
    return client;
  }

  /** Of a client over WebSocket. */
  get socket(): WebSocket {
    if (this.#wire instanceof HttpWire) throw new Error('this client has no WebSocket: its transport is HTTP');
    return this.#wire;
  }

  get isOpen(): boolean {
    return this.#wire.readyState === WebSocket.OPEN;
  }

  /** Resolves once the connection is established. */
  static async connect(t: Test, target: Target, options: ConnectOptions = {}): Promise<RawClient> {
    const client = RawClient.open(t, target, options);
    const first = await client.next('pusher:connection_established');
    const { socket_id: socketId } = decoded(first) as { socket_id?: unknown };
    client.socketId = String(socketId);
    return client;
  }

  /** A string or bytes go as they are; anything else as JSON. */
  send(message: unknown): void {
    const isRaw = typeof message === 'string' || Buffer.isBuffer(message);
    this.#wire.send(isRaw ? message : JSON.stringify(message));
  }

  /** The first frame that matches and was not yet taken, taken; it may have come already. */
  async next(match: Match, limitMs?: number): Promise<Frame> {
    const matches = toTest(match);
    const index = this.#unread.findIndex(matches);
    if (index >= 0) {
      const [found] = this.#unread.splice(index, 1);
      if (found !== undefined) return found;
    }
    if (this.#ended !== undefined) throw new Error(this.#describe(match, `closed with ${this.#ended.code}`));
    let waiting: Waiting | undefined;
    const arrival = new Promise<Frame>((resolve, reject) => {
      waiting = { matches, resolve, reject: (error) => reject(new Error(this.#describe(match, error.message))) };
      this.#waiting.add(waiting);
    });
    try {
      return await within(arrival, () => this.#describe(match, 'nothing matched'), limitMs);
    } finally {
      if (waiting !== undefined) this.#waiting.delete(waiting);
    }
  }

  /** What came, matches, and was not taken. */
  unread(match: Match = () => true): Frame[] {
    return this.#unread.filter(toTest(match));
  }

  /**
   * After this, whatever this client asked for has been done and answered. A refused subscription leaves nothing
   * behind, and keeps its place in the order of what a connection asks; a ping may be answered out of turn.
   */
  async fence(): Promise<void> {
    const channel = unique('private-fence-');
    this.send({ event: 'pusher:subscribe', data: { channel, auth: '' } });
    await this.next((frame) => frame.channel === channel);
  }

  /** Sends a subscription, signed if the channel is guarded, and returns the answer: success or refusal. */
  async subscribe(channel: string, channelData?: string, auth?: string): Promise<Frame> {
    this.sendSubscribe(channel, channelData, auth);
    return await this.next(
      (frame) =>
        frame.channel === channel &&
        (frame.event === 'pusher_internal:subscription_succeeded' || frame.event === 'pusher:subscription_error'),
    );
  }

  sendSubscribe(channel: string, channelData?: string, auth?: string): void {
    const guarded = channel.startsWith('private-') || channel.startsWith('presence-');
    const signature = guarded ? channelAuth(this.#target, this.socketId, channel, channelData) : '';
    const data: Record<string, string> = { channel, auth: auth ?? signature };
    if (channelData !== undefined) data.channel_data = channelData;
    this.send({ event: 'pusher:subscribe', data });
  }

  unsubscribe(channel: string): void {
    this.send({ event: 'pusher:unsubscribe', data: { channel } });
  }

  /** Signs in and returns the answer: success or error. */
  async signIn(user: object | string): Promise<Frame> {
    const userData = typeof user === 'string' ? user : JSON.stringify(user);
    const auth = userAuth(this.#target, this.socketId, userData);
    this.send({ event: 'pusher:signin', data: { auth, user_data: userData } });
    return await this.next((frame) => frame.event === 'pusher:signin_success' || frame.event === 'pusher:error');
  }

  /** Closes from the client's side and waits until the server has agreed. */
  async close(code = 1000): Promise<Closed> {
    this.#wire.close(code);
    return await within(this.closed, 'the close handshake');
  }

  /** Cuts the connection without a close frame. */
  cut(): void {
    this.#wire.terminate();
  }

  #receive(raw: string): void {
    const frame = { ...(JSON.parse(raw) as { event: string }), raw };
    this.frames.push(frame);
    for (const waiting of this.#waiting) {
      if (waiting.matches(frame)) {
        this.#waiting.delete(waiting);
        waiting.resolve(frame);
        return;
      }
    }
    this.#unread.push(frame);
  }

  #end(closed: Closed): Closed {
    this.#ended = closed;
    for (const waiting of this.#waiting) waiting.reject(new Error(`closed with ${closed.code} ${closed.reason}`));
    this.#waiting.clear();
    return closed;
  }

  #describe(match: Match, why: string): string {
    const last = this.frames.slice(-5).map((frame) => frame.raw.slice(0, 200));
    return `waiting for ${String(match)}: ${why}; last frames: ${last.join(' | ') || 'none'}`;
  }
}
