export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Which Redis a URL names. */
export interface RedisTarget {
  /**
   * `single`: one server; `sentinel`: whichever server the sentinels call the master; `cluster`: the masters of a
   * Cluster.
   */
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  /** The server; the sentinels; or the Cluster's first servers to ask. */
  readonly addresses: readonly RedisAddress[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** Sentinel only. */
  readonly masterName: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
}

const FORMS =
  'redis://host:6379/0, redis+sentinel://host:26379,host:26379/master-name/0, redis+cluster://host:6379,host:6379';
const URL_PATTERN = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/;

/**
 * Reads `redis://user:password@host:6379/0`, and with `rediss` the same over TLS. `redis+sentinel://…/master-name/0`
 * lists the sentinels (their own `sentinelUsername` and `sentinelPassword` as parameters), `redis+cluster://` some
 * nodes of a Cluster. User and password are percent-encoded. Errors never quote the URL: it may hold a password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match = URL_PATTERN.exec(url);
  if (match === null) throw new Error(`The Redis URL must be of one of the forms ${FORMS} (rediss for TLS)`);
  const [, secure, form, credentials, hosts = '', path = '', query = ''] = match;
  const kind = form === 'sentinel' || form === 'cluster' ? form : 'single';
  const addresses = hosts.split(',').map((host) => parseAddress(host, kind === 'sentinel' ? 26_379 : 6379));
  if (kind === 'single' && addresses.length > 1) {
    throw new Error('The Redis URL names several hosts: use redis+sentinel:// or redis+cluster://');
  }
  const segments = path.split('/').filter((segment) => segment !== '');
  const masterName = kind === 'sentinel' ? segments.shift() : undefined;
  if (kind === 'sentinel' && masterName === undefined) {
    throw new Error('The Redis URL of sentinels needs the name of the master: redis+sentinel://host:26379/master-name');
  }
  const database = parseDatabase(segments, kind);
  const [username, password] = parseCredentials(credentials);
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (kind === 'sentinel' && (name === 'sentinelUsername' || name === 'sentinelPassword')) continue;
    throw new Error(`The Redis URL has an unknown parameter '${name}'`);
  }
  return {
    kind,
    tls: secure === 's',
    addresses,
    username,
    password,
    database,
    masterName,
    sentinelUsername: parameters.get('sentinelUsername') ?? undefined,
    sentinelPassword: parameters.get('sentinelPassword') ?? undefined,
  };
}

function parseAddress(text: string, defaultPort: number): RedisAddress {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (match?.[1] === undefined || port < 1 || port > 65_535) {
    throw new Error('The Redis URL has a host that is not of the form name, name:port or [address]:port');
  }
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

function parseDatabase(segments: readonly string[], kind: RedisTarget['kind']): number {
  const [database = '0', ...more] = segments;
  if (more.length > 0 || !/^\d{1,4}$/.test(database))
    throw new Error('The path of the Redis URL must be a database number');
  if (kind === 'cluster' && database !== '0') throw new Error('A Redis Cluster has no database but 0');
  return Number(database);
}

/** `user:password`, `:password` or `user`, percent-encoded. */
function parseCredentials(text: string | undefined): [string | undefined, string | undefined] {
  if (text === undefined || text === '') return [undefined, undefined];
  const colon = text.indexOf(':');
  const username = colon === -1 ? text : text.slice(0, colon);
  const password = colon === -1 ? '' : text.slice(colon + 1);
  try {
    return [decodeURIComponent(username) || undefined, decodeURIComponent(password) || undefined];
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new Error('The user or password of the Redis URL is not percent-encoded');
  }
}
