/** Where an attacker finds the server. */
export interface Prey {
  readonly port: number;
  /** After this, an attack ends. */
  readonly seconds: number;
  /** For what befalls a deployment rather than is done by a stranger. */
  readonly redis: { readonly port: number; readonly pid: number } | undefined;
  /** A second node over the same Redis. */
  readonly second: { readonly port: number; readonly pid: number } | undefined;
  /** At which the attacker is the endpoint of the app's webhooks. */
  readonly webhookPort: number | undefined;
}

/** Begins what an attacker says if the server failed. */
export const WRONG = 'WRONG: ';

/** What an attacker saw, in a few words, after WRONG if it should not be; empty if there is nothing to say. */
export type Attacker = (prey: Prey) => Promise<string>;

export interface Attack {
  readonly name: string;
  /** What is done, for the table. */
  readonly what: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The source of the rules, if authorization takes part. */
  readonly rules?: string;
  /** Its rules ask a backend. */
  readonly asksBackend?: boolean;
  /** It is on memory: a node may grow by 100 MB, and no more. */
  readonly isOfMemory?: boolean;
  readonly needsRedis?: boolean;
  /** The attacker is the endpoint of the app's webhooks. */
  readonly hasWebhooks?: boolean;
  /** A second node stands beside it. */
  readonly hasSecondNode?: boolean;
  /** Redis hangs: nobody is served as before, and the honest clients' figures say nothing of the server. */
  readonly isRedisAway?: boolean;
  /** Nobody reads what the server writes to stdout. */
  readonly isLogStuck?: boolean;
  /** `ulimit -n`. */
  readonly maxFiles?: number;
}

const ASK_TWICE = `
export default { channels: { 'twice.{port}': async (user, { port }, { ask }) => {
  const slow = ask('http://127.0.0.1:' + port + '/slow');
  const refused = ask('http://127.0.0.1:' + port + '/refused');
  await slow;
  await refused;
  return true;
} } };
`;
const ALL = "export default { channels: { '{a}-{b}-{c}.x': () => true, '{name}': () => true } };\n";

/** Every attack bench/attacks runs; each has a function of the same name in one of the files of attackers. */
export const ATTACKS: readonly Attack[] = [
  { name: 'chunked-bodies', what: '14 anonymous POSTs of one-byte chunks, up to 18 MB each', isOfMemory: true },
  { name: 'hoarded-bodies', what: '60 anonymous POSTs of 3 MB that never end', isOfMemory: true },
  {
    name: 'queued-frames',
    what: '3 clients on a resume path that stop reading, subscribe, and send 4,900 frames of 355 KB each',
    isOfMemory: true,
  },
  {
    name: 'uncaught-rule',
    what: 'a rule that asks twice and awaits the first, while the second is refused',
    ...{ rules: ASK_TWICE, asksBackend: true },
  },
  { name: 'stuck-log', what: 'refused requests, while nobody reads stdout', isLogStuck: true },
  { name: 'bearer-spaces', what: '20 at a time: `Authorization: Bearer` with 3,500 spaces', rules: ALL },
  {
    name: 'pattern-names',
    what: 'a channel name of 4,000 dashes for the pattern `{a}-{b}-{c}.x`',
    rules: ALL,
    env: { FANFARE_APPS_0_LIMITS_MAX_CHANNEL_NAME_LENGTH: '5000' },
  },
  { name: 'resume-paths', what: '20 at a time: handshakes with 430 times `/resume/` in the path' },
  {
    name: 'expired-token',
    what: 'one stock client with a token that expires, and `auth.closeOnTokenExpiry`',
    rules: ALL,
    env: { FANFARE_AUTH_CLOSE_ON_TOKEN_EXPIRY: 'true' },
  },
  {
    name: 'unfillable-gap',
    what: 'messages on a logged channel whose predecessors its log does not have, 10 a second',
    needsRedis: true,
  },
  {
    name: 'killed-node',
    what: 'a node is killed while 6,000 channels come and go on it',
    ...{ needsRedis: true, hasSecondNode: true },
    env: { FANFARE_REDIS_LEASE_SECONDS: '1' },
  },
  {
    name: 'redis-hangs',
    what: 'three hangs of Redis, in each of which a client comes and goes, with places for five',
    ...{ needsRedis: true, isRedisAway: true },
    // Ten are the honest clients'.
    env: { FANFARE_APPS_0_LIMITS_MAX_CONNECTIONS: '15' },
  },
  {
    name: 'last-events',
    what: '50 client events right before a clean close, again and again',
    needsRedis: true,
    env: { FANFARE_APPS_0_LIMITS_CLIENT_EVENTS_PER_SECOND: '0' },
  },
  {
    name: 'large-sessions',
    what: '100 anonymous resumable connections with 1,000 channels of 200 characters, which then go',
    needsRedis: true,
  },
  {
    name: 'rewinds',
    what: '5 anonymous clients that join a channel again and again whose last 500 KB of events joiners are sent',
    needsRedis: true,
    env: { FANFARE_APPS_0_REWIND_0_CHANNELS: 'rewound' },
  },
  { name: 'log-flood', what: 'refused subscriptions, as many as one connection may ask for' },
  { name: 'many-headers', what: 'requests with 20 KB of cookies' },
  { name: 'file-descriptors', what: '400 idle TCP connections, with `ulimit -n 150`', maxFiles: 150 },
  { name: 'many-channels', what: 'one connection that joins as many channels as it may, and leaves them at once' },
  {
    name: 'deflated-frames',
    what: '3,000 deflated frames of 400 bytes that inflate to 360 KB each',
    env: { FANFARE_CONNECTIONS_COMPRESSION: 'true' },
  },
  { name: 'pipelined', what: 'four requests in one packet on each of 50 connections, again and again' },
  { name: 'request-flood', what: 'one connection that sends requests without a pause', isOfMemory: true },
  {
    name: 'unread-answers',
    what: '50 connections that ask for a file, one request after another, and read none of the answers',
    isOfMemory: true,
  },
  { name: 'ping-flood', what: 'one WebSocket that sends pings without a pause' },
  { name: 'query-parameters', what: '20 at a time: handshakes with 15,000 parameters in the query' },
  {
    name: 'hoarded-webhooks',
    what: '12 clients that send client events of 100 KB, while the endpoint of webhooks answers nothing',
    hasWebhooks: true,
  },
  {
    name: 'fact-flood',
    what: '6 anonymous clients that come and go on ever new channels, of which webhooks tell after 30 s',
    hasWebhooks: true,
    env: { FANFARE_WEBHOOKS_GRACE_SECONDS: '30' },
  },
  {
    name: 'endless-webhooks',
    what: 'an endpoint of webhooks whose answers never end, or never begin',
    hasWebhooks: true,
  },
];
