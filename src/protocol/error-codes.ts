/**
 * Every code that the server puts in a `pusher:error` or a close frame, with what a stock client does on it.
 * docs/protocol.md shows this table; a test keeps the two equal.
 */
export interface ErrorCode {
  readonly code: number;
  readonly message: string;
  /** What pusher-js does when a connection is closed with it. */
  readonly client: string;
}

const STOPS = 'stays disconnected';
const RETRIES = 'reconnects after 1 s';
const AT_ONCE = 'reconnects at once';
const STAYS = 'the connection stays open';

function define(code: number, message: string, client: string): ErrorCode {
  return Object.freeze({ code, message, client });
}

export const ERROR_CODES = Object.freeze({
  tlsOnly: define(4000, 'This application accepts TLS connections only: use wss', 'switches to TLS and reconnects'),
  appNotFound: define(4001, 'No application has this key', STOPS),
  appDisabled: define(4003, 'This application is disabled', STOPS),
  overConnectionQuota: define(4004, 'This application has reached its limit of connections', STOPS),
  pathNotFound: define(4005, 'Path not found: connect to /app/{key}', STOPS),
  protocolMalformed: define(4006, 'The protocol version in the query is not a number', STOPS),
  protocolUnsupported: define(4007, 'Protocol version unsupported: use 5, 6 or 7', STOPS),
  protocolMissing: define(4008, 'No protocol version in the query: add ?protocol=7', STOPS),
  unauthorized: define(4009, 'The connection was not authorized within the time limit', STOPS),
  overCapacity: define(4100, 'Over capacity', RETRIES),
  reconnect: define(4200, 'The server is restarting: please reconnect', AT_ONCE),
  pongMissing: define(4201, 'No answer to a ping within the time limit', AT_ONCE),
  clientEventRate: define(4301, 'Client event rejected: over the rate limit', STAYS),
  watchlistLimit: define(4302, 'The watchlist is over its limit', STAYS),
});
