import { count, flag, MB, optionalText, seconds, section, settled, size } from './setting.ts';

const KB = 1024;

/** Why some of it waits for a restart. */
export const SERVED = 'what is served at which path is settled when the port is opened';
const SOCKETS = 'uWebSockets.js takes it once, for all sockets';
const SILENCE = 'uWebSockets.js is told once how long a socket may be silent, which is longer than both together';

/** `connections`. */
export const connectionsSchema = section('Connections of clients, of all apps.', {
  max: count('Connections at once on this node; 0: no limit.', 0),
  maxPerIp: count('Connections at once from one address, or /64 of IPv6, on this node; 0: no limit.', 0),
  newPerMinutePerIp: count(
    'New connections a minute from one address, or /64 of IPv6, to this node; 0: no limit. Over it: 4100.',
    10_000,
  ),
  activityTimeoutSeconds: count('Clients are told to ping after this long without a message.', 120, {
    min: 1,
    max: 3600,
  }),
  pingIntervalSeconds: settled(
    SILENCE,
    count('How long a connection may be silent before the server pings it.', 30, {
      min: 1,
      max: 3600,
    }),
  ),
  pongTimeoutSeconds: settled(
    SILENCE,
    count('How long a connection may take to answer a ping before it is closed with 4201.', 15, {
      min: 1,
      max: 3600,
    }),
  ),
  maxReceiveBytesPerSecond: size(
    'What one connection may send in a second, counted after decompression and with 512 bytes more for each message ' +
      'and 4.5 KB for each ping and pong; half of it at once. Both are never less than two messages of the largest size, nor is what may come at once less than 1 KB for each channel that a connection may have. One that sends more is closed with 4100.',
    4 * MB,
    { min: 64 * KB, max: 1024 * MB },
  ),
  maxWaitingBytes: size(
    'What may wait of the messages that one connection has sent, behind one that takes long or needs Redis. ' +
      'A connection that sends more meanwhile is closed with 4100.',
    MB,
    { min: 64 * KB, max: 1024 * MB },
  ),
  maxWaitingBytesOfNode: size(
    'The same for all connections of this node together; beyond it, the one with the most waiting is closed.',
    64 * MB,
    { min: MB, max: 64 * 1024 * MB },
  ),
  maxWaitSeconds: seconds(
    'How long a client may wait for its next message to be handled: for the turn, and for what it asks for, of ' +
      'Redis for example. After that its connection is closed with 4100, and the client comes back, perhaps to ' +
      'another node.',
    60,
    { min: 1, max: 3600 },
  ),
  maxBackpressureBytes: settled(
    SOCKETS,
    size('What may wait to be sent to one connection; a reader that falls further behind is closed with 4100.', MB, {
      min: 16 * KB,
      max: 1024 * MB,
    }),
  ),
  slowReaderGraceSeconds: seconds(
    'How long a reader that has fallen further behind gets to read what waits, before it is cut off.',
    5,
    { max: 3600 },
  ),
  compression: settled(
    SOCKETS,
    flag('Offer permessage-deflate. Saves traffic and costs CPU and memory for each connection.', false),
  ),
});

/** `http`. */
export const httpSchema = section('HTTP requests: what they may take before it is known who sends them.', {
  maxHeaderBytes: settled(
    'uWebSockets.js takes it once, when it is loaded',
    size(
      'All headers of one request together, a WebSocket handshake included. More is answered 431, and logged. ' +
        'The HTTP API takes twice as much.',
      32 * KB,
      { min: 4 * KB, max: MB },
    ),
  ),
  maxBodiesBytes: size(
    'Memory for all request bodies that this node is receiving; never less than one of the largest size. ' +
      'If it is used up, the unfinished request that holds the most is answered 503.',
    64 * MB,
    { min: MB, max: 16 * 1024 * MB },
  ),
  bodyTimeoutSeconds: seconds('How long a body may take to arrive before it is refused with 408.', 30, {
    min: 1,
    max: 3600,
  }),
});

/** `fallback`. */
export const fallbackSchema = section(
  'HTTP streaming and polling, which stock pusher-js falls back to if it cannot open a WebSocket.',
  {
    enabled: settled(SERVED, flag('Offer streaming and polling. They need no further setting.', true)),
    maxSessions: count('Sessions at once on this node.', 20_000, { min: 1 }),
    maxSessionsPerIp: count('Sessions at once from one address, or /64 of IPv6, on this node.', 2000, { min: 1 }),
    gapSeconds: seconds('How long a session may be without a waiting request before it is over.', 8, {
      min: 1,
      max: 120,
    }),
    pollSeconds: seconds('How long a poll waits for news before it is answered with a heartbeat.', 25, {
      min: 1,
      max: 300,
    }),
    maxBufferedBytes: size(
      'Memory for what waits to be sent to all sessions together; what waits for one is bounded by `connections.maxBackpressureBytes`.',
      64 * MB,
      { min: MB, max: 16 * 1024 * MB },
    ),
    hostname: optionalText(
      "This node's own public host name, to which a client then sends all later requests of a session. Needed only for several " +
        'nodes behind a balancer that cannot route by the path.',
    ),
  },
);
