import t from 'tap';
import { parseRedisUrl } from '../../../src/broker/redis/wire/url.ts';

await t.test('one server', async (t) => {
  t.match(parseRedisUrl('redis://localhost'), {
    kind: 'single',
    tls: false,
    addresses: [{ host: 'localhost', port: 6379 }],
    username: undefined,
    password: undefined,
    database: 0,
  });
  t.match(parseRedisUrl('rediss://ann:p%40ss%2F%3A@redis.example.com:6380/3'), {
    tls: true,
    addresses: [{ host: 'redis.example.com', port: 6380 }],
    username: 'ann',
    password: 'p@ss/:',
    database: 3,
  });
  t.match(parseRedisUrl('redis://:secret@[::1]:7000/'), {
    addresses: [{ host: '::1', port: 7000 }],
    username: undefined,
    password: 'secret',
  });
});

await t.test('Sentinel and Cluster', async (t) => {
  t.match(
    parseRedisUrl('rediss+sentinel://:secret@one,two:26380/main/2?sentinelUsername=watch&sentinelPassword=a%26b'),
    {
      kind: 'sentinel',
      tls: true,
      addresses: [
        { host: 'one', port: 26_379 },
        { host: 'two', port: 26_380 },
      ],
      masterName: 'main',
      database: 2,
      password: 'secret',
      sentinelUsername: 'watch',
      sentinelPassword: 'a&b',
    },
  );
  t.match(parseRedisUrl('redis+cluster://one:7000,two:7001'), {
    kind: 'cluster',
    addresses: [
      { host: 'one', port: 7000 },
      { host: 'two', port: 7001 },
    ],
    database: 0,
  });
});

await t.test('what cannot be read is refused, without a word of the password', async (t) => {
  const bad = [
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis://:s3cret@one,two',
    'redis://:s3cret@one:0',
    'redis://:s3cret@one:70000',
    'redis://:s3cret@one/x',
    'redis://:s3cret@one/0/1',
    'redis://:s3cret%zz@one',
    'redis://:s3cret@one?timeout=1',
    'redis+sentinel://:s3cret@one',
    'redis+sentinel://:s3cret@one/main?password=s3cret',
    'redis+cluster://:s3cret@one/1',
    'redis+other://:s3cret@one',
  ];
  for (const url of bad) {
    let message = '';
    try {
      parseRedisUrl(url);
    } catch (error) {
      message = String(error);
    }
    t.match(message, /Redis/, url);
    t.notMatch(message, /s3cret/);
  }
});
