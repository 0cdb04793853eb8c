import { Redis } from 'ioredis';
import { parseRedisUrl } from './wire/url.ts';

export interface RedisProbe {
  /** Of the server's clock, when it answered. */
  readonly timeMs: number;
  readonly roundTripMs: number;
  readonly version: string;
}

/** One look at the first server that a URL names. Rejects if it does not answer in time. */
export async function probeRedis(url: string, limitMs: number): Promise<RedisProbe> {
  const target = parseRedisUrl(url);
  const sentinel = target.kind === 'sentinel';
  const redis = new Redis({
    ...target.addresses[0],
    ...(sentinel
      ? { username: target.sentinelUsername, password: target.sentinelPassword }
      : { username: target.username, password: target.password, db: target.database }),
    ...(target.tls ? { tls: {} } : {}),
    replyMapping: 'legacy',
    connectTimeout: limitMs,
    commandTimeout: limitMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    lazyConnect: true,
  });
  let failure: unknown;
  redis.on('error', (error) => {
    failure = error;
  });
  try {
    await redis.connect();
    const info = await redis.info('server');
    const begun = performance.now();
    const [seconds, microseconds] = (await redis.call('TIME')) as [string, string];
    return {
      timeMs: Number(seconds) * 1000 + Number(microseconds) / 1000,
      roundTripMs: performance.now() - begun,
      version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'unknown',
    };
  } catch (error) {
    // "Connection is closed." says less than what closed it.
    throw failure ?? error;
  } finally {
    redis.disconnect();
  }
}
