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
  onmessage?: ((message: { readonly data: unknown }) => void) | null;
  send(data: unknown): unknown;
}

type OpenSocket = (url: string) => PusherSocket;

/** What one page knows of its session. */
interface Session {
  /** The last id of each channel. */
  readonly ids: Map<string, readonly [epoch: string, offset: number]>;
  /** Channels that have been joined, each with the socket that it was joined on. */
  readonly joined: Map<string, PusherSocket>;
  readonly onGap: ResumableOptions['onGap'];
}

/** Sessions of this page by token, and what has been hooked: several copies of this file may be loaded. */
const sessions = new Map<string, Session>();
const hooked = new WeakSet<object>();

const TOKEN = /\/resume\/(\w+)\//;
const ID = /,"id":"[^"]+:\d+"}$/;

/**
 * The options of a pusher-js whose every event arrives exactly once, in order, over all reconnects:
 * `new Pusher(key, resumable(Pusher, options))`. Call it once for each connection, on each page load.
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
  const token = randomToken();
  sessions.set(token, { ids: new Map(), joined: new Map(), onGap });
  const named = `/resume/${token}`;
  return { ...options, wsPath: wsPath + named, httpPath: httpPath.replace(/(\/pusher)?$/, `${named}$1`) };
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
    const socket = open.call(this, url);
    const session = sessions.get(TOKEN.exec(url)?.[1] ?? '');
    if (session) filter(socket, session);
    return socket;
  };
}

/** Puts itself in front of the one listener that pusher-js sets, right after it has opened the socket. */
function filter(socket: PusherSocket, session: Session): void {
  const send = socket.send;
  socket.send = (data) => {
    forgetLeft(data, session);
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

/** A channel that the page has left, and joins again, begins anew. */
function forgetLeft(data: unknown, { ids, joined }: Session): void {
  if (typeof data !== 'string' || !data.startsWith('{"event":"pusher:unsubscribe"')) return;
  const { channel } = (JSON.parse(data) as { data: { channel: string } }).data;
  ids.delete(channel);
  joined.delete(channel);
}

function resumed(frame: string, socket: PusherSocket, { joined, onGap }: Session): void {
  const { event, channel, data } = JSON.parse(frame) as { event: string; channel: string; data: string };
  if (event !== 'fanfare:resumed') return;
  const { recovered, reason } = JSON.parse(data) as { recovered: boolean; reason?: string };
  const before = joined.get(channel);
  joined.set(channel, socket);
  // A server that has forgotten the session says "unknown", as it does of a first subscription: only the page can tell.
  const isGap = reason === 'gap' || (before !== undefined && before !== socket);
  if (!recovered && isGap) onGap?.(channel);
}
