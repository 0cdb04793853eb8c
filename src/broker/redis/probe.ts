import { Redis } from 'ioredis';
import { parseRedisUrl } from './wire/url.ts';

export interface RedisProbe {
  /** What the server's clock said when it answered. */
  readonly timeMs: number;
  readonly roundTripMs: number;
  readonly version: string;
}

/** One look at the first server that a URL names, or at the master that its sentinels name. Rejects if none answers. */
export async function probeRedis(url: string, limitMs: number): Promise<RedisProbe> {
  const target = parseRedisUrl(url);
  const tls = target.tls ? { tls: {} } : {};
  const redis = new Redis({
    ...(target.kind === 'sentinel'
      ? {
          sentinels: [...target.addresses],
          name: target.masterName,
          sentinelUsername: target.sentinelUsername,
          sentinelPassword: target.sentinelPassword,
          sentinelCommandTimeout: limitMs,
          sentinelRetryStrategy: () => null,
          enableTLSForSentinelMode: target.tls,
          ...(target.tls ? { sentinelTLS: {} } : {}),
        }
      : target.addresses[0]),
    username: target.username,
    password: target.password,
    db: target.database,
    ...tls,
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
