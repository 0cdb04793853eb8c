import { count, flag, MB, optionalText, seconds, section, settled, size } from './setting.ts';

const KB = 1024;

/** Why some of it waits for a restart. */
export const SERVED = 'what is served at which path is settled when the port is opened';
const SOCKETS = 'uWebSockets.js takes it once, for all sockets';
const SILENCE = 'uWebSockets.js is told once how long a socket may be silent, which is longer than both together';

/** `connections`. */
export const connectionsSchema = section('Client connections, whichever app they are of.', {
  max: count('Connections at once on this node; 0: no limit.', 0),
  maxPerIp: count('Connections at once of one client address, or /64 of IPv6, on this node; 0: no limit.', 0),
  newPerMinutePerIp: count(
    'New connections of one client address, or /64 of IPv6, to this node in a minute; 0: no limit. Over it: 4100.',
    10_000,
  ),
  activityTimeoutSeconds: count('Told to clients: after so long without a message they ping.', 120, {
    min: 1,
    max: 3600,
  }),
  pingIntervalSeconds: settled(
    SILENCE,
    count('The server pings a connection that was silent for so long.', 30, {
      min: 1,
      max: 3600,
    }),
  ),
  pongTimeoutSeconds: settled(
    SILENCE,
    count('A connection that by then has not answered is closed with 4201.', 15, {
      min: 1,
      max: 3600,
    }),
  ),
  maxReceiveBytesPerSecond: size(
    'What one connection may send in a second, messages decompressed, and each message, ping and pong counted ' +
      'with 512 bytes more; never less than two messages of the largest size. One that sends more is closed with 4100.',
    4 * MB,
    { min: 64 * KB, max: 1024 * MB },
  ),
  maxWaitingBytes: size(
    'Messages of one connection that may wait for their turn, while a slow answer or Redis is waited for. ' +
      'One that sends more meanwhile is closed with 4100.',
    MB,
    { min: 64 * KB, max: 1024 * MB },
  ),
  maxWaitingBytesOfNode: size(
    'The same of all connections of this node together: beyond it, whoever has the most waiting is closed.',
    64 * MB,
    { min: MB, max: 64 * 1024 * MB },
  ),
  maxWaitSeconds: seconds(
    'How long a message of a client may wait for its turn, or for what it asks for. Then its connection is ' +
      'closed with 4100, and the client comes back, to another node perhaps.',
    60,
    { min: 1, max: 3600 },
  ),
  maxBackpressureBytes: settled(
    SOCKETS,
    size('What may wait unsent for one connection; a reader that falls further behind is closed with 4100.', MB, {
      min: 16 * KB,
      max: 1024 * MB,
    }),
  ),
  slowReaderGraceSeconds: seconds(
    'For how long what waits for one connection may stay above that without being read.',
    5,
    { max: 3600 },
  ),
  compression: settled(
    SOCKETS,
    flag('Offer permessage-deflate. Saves traffic and costs CPU and memory for each connection.', false),
  ),
});

/** `http`. */
export const httpSchema = section(
  'HTTP requests, whoever sends them: what they may take before anyone has asked who that is.',
  {
    maxHeaderBytes: settled(
      'uWebSockets.js takes it once, when it is loaded',
      size(
        'Of all headers of one request together, those of a WebSocket handshake too. More is answered 431, and logged. ' +
          'The HTTP API takes twice as much.',
        32 * KB,
        { min: 4 * KB, max: MB },
      ),
    ),
    maxBodiesBytes: size(
      'Memory of all request bodies that are under way on this node; never less than one of the largest size. ' +
        'If it is used up, whoever still sends and holds most is answered 503.',
      64 * MB,
      { min: MB, max: 16 * 1024 * MB },
    ),
    bodyTimeoutSeconds: seconds('A body that has not arrived by then is refused with 408.', 30, { min: 1, max: 3600 }),
  },
);

/** `fallback`. */
export const fallbackSchema = section(
  'HTTP streaming and polling, which stock pusher-js falls back to if it cannot open a WebSocket.',
  {
    enabled: settled(SERVED, flag('Answer them. They need no setting of their own.', true)),
    maxSessions: count('Sessions at once on this node, before anyone has asked who they are.', 20_000, { min: 1 }),
    maxSessionsPerIp: count('Of those, sessions of one client address, or of one /64 of IPv6.', 2000, { min: 1 }),
    gapSeconds: seconds('A session at which no request has waited for so long is over.', 8, { min: 1, max: 120 }),
    pollSeconds: seconds('A poll without news is answered with a heartbeat after so long.', 25, { min: 1, max: 300 }),
    maxBufferedBytes: size(
      'Memory for what waits for all of them together; what waits for one is bounded by `connections.maxBackpressureBytes`.',
      64 * MB,
      { min: MB, max: 16 * 1024 * MB },
    ),
    hostname: optionalText(
      "This node's own public host name, to which a client sends all later requests of a session. Only for several nodes " +
        'behind a balancer that cannot route by the path.',
    ),
  },
);
