/**
 * `fanfare/client`: every event exactly once over reconnects, for stock pusher-js 7 and 8.
 *
 * The server gives each event of a resumable channel an id that grows within the channel. What came before is dropped
 * here, between the socket and pusher-js, so that nothing an application binds to sees it twice. (docs/resume.md)
 */

/** As far as pusher-js is looked into: `Pusher.Runtime`, which it exposes for this purpose, opens all sockets. */
export interface PusherClass {
  readonly Runtime?: unknown;
}

export interface ResumableOptions {
  /**
   * Events of the channel were missed and cannot be had any more: fetch its state again. Called after
   * `fanfare:resumed` has been passed on, and never for a first subscription.
   */
  readonly onGap?: (channel: string) => void;
}

/** What `resumable` adds to the options of pusher-js: paths that name one session, whichever transport is used. */
export interface ResumablePaths {
  readonly wsPath: string;
  readonly httpPath: string;
}

interface Paths {
  readonly wsPath?: string;
  readonly httpPath?: string;
}

/** As pusher-js uses it, be it a WebSocket or a socket over HTTP. */
interface PusherSocket {
  readonly readyState?: number;
  onmessage?: ((message: { readonly data: unknown }) => void) | null;
  send(data: unknown): unknown;
}

type OpenSocket = (url: string) => PusherSocket;

/** What one page knows of its session. */
interface Session {
  /** What the server is told: another than the paths name once that has turned out to be another page's too. */
  token: string;
  /** The last id of each channel. */
  readonly ids: Map<string, readonly [epoch: string, offset: number]>;
  /** Channels that have been joined, each with the socket that it was joined on. */
  readonly joined: Map<string, PusherSocket>;
  readonly onGap: ResumableOptions['onGap'];
  /** The last socket that subscribed to anything. */
  live?: PusherSocket;
  /** Several connections were made of one copy of the options: nobody can tell which of them a socket is opened for. */
  isShared?: boolean;
  /** True of a socket of such a connection: nothing is known of what came before it. */
  isFork?: boolean;
}

/** A WebSocket's, and that of the sockets over HTTP. */
const OPEN = 1;

/** Sessions of this page by token, and what has been hooked: several copies of this file may be loaded. */
const sessions = new Map<string, Session>();
const hooked = new WeakSet<object>();

const TOKEN = /\/resume\/(\w+)\//;
const ID = /,"id":"[^"]+:\d+"}$/;

/**
 * The options of a pusher-js whose every event arrives exactly once, in order, over all reconnects:
 * `new Pusher(key, resumable(Pusher, options))`. Each connection that is made of them has a session of its own.
 *
 * @throws if pusher-js, or random numbers, are not what it needs; the message says what to do
 */
export function resumable<Options extends object>(
  Pusher: PusherClass,
  options: Options,
  { onGap }: ResumableOptions = {},
): Options & ResumablePaths {
  const { wsPath = '', httpPath = '/pusher' } = options as Paths;
  hook(Pusher);
  let named = '';
  const read = new Set<string>();
  const begin = () => {
    const session = newSession(onGap);
    sessions.set(session.token, session);
    named = `/resume/${session.token}`;
    read.clear();
  };
  begin();
  // Each connection reads each path once, as it is made.
  const path = (name: string, of: (named: string) => string) => ({
    enumerable: true,
    get() {
      if (read.has(name)) begin();
      read.add(name);
      return of(named);
    },
  });
  return Object.defineProperties({ ...options } as Options & ResumablePaths, {
    wsPath: path('wsPath', (named) => wsPath + named),
    httpPath: path('httpPath', (named) => httpPath.replace(/(\/pusher)?$/, `${named}$1`)),
  });
}

function newSession(onGap: ResumableOptions['onGap']): Session {
  return { token: randomToken(), ids: new Map(), joined: new Map(), onGap };
}

function randomToken(): string {
  const source = globalThis.crypto;
  if (!source?.getRandomValues) {
    throw new Error('resumable() needs crypto.getRandomValues: import "react-native-get-random-values" before it');
  }
  return [...source.getRandomValues(new Uint8Array(16))].map((byte) => (byte + 256).toString(16).slice(1)).join('');
}

/** Watches the sockets that pusher-js opens from now on: those whose address names a session of this page. */
function hook(Pusher: PusherClass): void {
  const runtime = Pusher.Runtime as (Record<string, unknown> & { HTTPFactory?: Record<string, unknown> }) | undefined;
  if (typeof runtime?.createWebSocket !== 'function') {
    throw new Error('resumable() needs the Pusher class of pusher-js 7 or 8 as its first argument');
  }
  if (hooked.has(runtime)) return;
  hooked.add(runtime);
  watch(runtime, 'createWebSocket');
  for (const name of ['createStreamingSocket', 'createPollingSocket']) watch(runtime.HTTPFactory ?? {}, name);
}

function watch(factory: Record<string, unknown>, name: string): void {
  const open = factory[name] as OpenSocket | undefined;
  if (typeof open !== 'function') return;
  factory[name] = function (this: unknown, url: string) {
    const token = TOKEN.exec(url)?.[1] ?? '';
    const named = sessions.get(token);
    if (!named) return open.call(this, url);
    // pusher-js closes a connection's socket before it opens the next.
    if (named.live?.readyState === OPEN) named.isShared = true;
    const session = named.isShared ? { ...newSession(named.onGap), isFork: true } : named;
    const socket = open.call(this, url.replace(token, session.token));
    filter(socket, session);
    return socket;
  };
}

/** Puts itself in front of the one listener that pusher-js sets, right after it has opened the socket. */
function filter(socket: PusherSocket, session: Session): void {
  const send = socket.send;
  socket.send = (data) => {
    seeSent(data, socket, session);
    return send.call(socket, data);
  };
  Object.defineProperty(socket, 'onmessage', {
    configurable: true,
    get: () => undefined,
    set(listener: NonNullable<PusherSocket['onmessage']>) {
      // From here on the property is the socket's own again.
      delete socket.onmessage;
      socket.onmessage = (message) => {
        const frame = String(message.data);
        if (isRepeated(frame, session)) return;
        listener.call(socket, message);
        if (frame.includes('"fanfare:resumed"')) resumed(frame, socket, session);
      };
    },
  });
}

function isRepeated(frame: string, { ids }: Session): boolean {
  if (!ID.test(frame)) return false;
  const { id, channel } = JSON.parse(frame) as { id: string; channel: string };
  const at = id.lastIndexOf(':');
  const epoch = id.slice(0, at);
  const offset = Number(id.slice(at + 1));
  const last = ids.get(channel);
  if (last?.[0] === epoch && offset <= last[1]) return true;
  ids.set(channel, [epoch, offset]);
  return false;
}

function seeSent(data: unknown, socket: PusherSocket, session: Session): void {
  if (typeof data !== 'string') return;
  if (data.startsWith('{"event":"pusher:subscribe"')) session.live = socket;
  if (!data.startsWith('{"event":"pusher:unsubscribe"')) return;
  // A channel that the page has left, and joins again, begins anew.
  const { channel } = (JSON.parse(data) as { data: { channel: string } }).data;
  session.ids.delete(channel);
  session.joined.delete(channel);
}

function resumed(frame: string, socket: PusherSocket, session: Session): void {
  const { joined, onGap, isFork } = session;
  const { event, channel, data } = JSON.parse(frame) as { event: string; channel: string; data: string };
  if (event !== 'fanfare:resumed') return;
  const { recovered, reason } = JSON.parse(data) as { recovered: boolean; reason?: string };
  if (reason === 'shared') session.token = randomToken();
  const before = joined.get(channel);
  joined.set(channel, socket);
  // A server that has forgotten the session says "unknown", as it does of a first subscription: only the page can tell.
  const isGap = isFork || reason === 'gap' || (before !== undefined && before !== socket);
  if (!recovered && isGap) onGap?.(channel);
}
