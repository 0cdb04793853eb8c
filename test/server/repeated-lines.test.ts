import t from 'tap';
import { RepeatedLines } from '../../src/server/repeated-lines.ts';
import { recordingLogger } from '../support/fakes.ts';

function fixture(linesPerMinute = 2) {
  const { logger, lines } = recordingLogger();
  return {
    repeated: new RepeatedLines(() => logger, {
      linesPerMinute: () => linesPerMinute,
      isEnabled: (level) => level !== 'info',
    }),
    lines,
  };
}

t.test('the first lines are written, the others summed up with the fields of the last', async (t) => {
  const { repeated, lines } = fixture();
  for (let n = 1; n <= 5; n += 1) repeated.warn({ ip: '192.0.2.1', code: 4001, n }, 'refused');
  t.equal(lines.length, 2);
  repeated.sumUp();
  t.strictSame(lines.at(-1), {
    level: 'warn',
    fields: { ip: '192.0.2.1', code: 4001, n: 5, repeated: 3 },
    message: 'refused',
  });
  repeated.warn({ ip: '192.0.2.1', code: 4001 }, 'refused');
  t.equal(lines.length, 4, 'and then from the beginning');
  repeated.sumUp();
  t.equal(lines.length, 4, 'what was not repeated is not summed up');
});

t.test('causes and addresses are told apart, levels and messages too', async (t) => {
  const { repeated, lines } = fixture(1);
  repeated.warn({ ip: '192.0.2.1', code: 1 }, 'refused');
  repeated.warn({ ip: '192.0.2.2', code: 1 }, 'refused');
  repeated.warn({ ip: '192.0.2.1', code: 2 }, 'refused');
  repeated.error({ ip: '192.0.2.1', code: 1 }, 'refused');
  repeated.warn({ ip: '192.0.2.1', code: 1 }, 'closed');
  t.equal(lines.length, 5);
});

t.test(
  'lines about nothing that somebody sent are all written; so are all, if they are not to be summed up',
  async (t) => {
    const { repeated, lines } = fixture(1);
    for (let n = 0; n < 5; n += 1) repeated.warn({ redis: 'a' }, 'Redis connection lost');
    t.equal(lines.length, 5);
    const all = fixture(0);
    for (let n = 0; n < 5; n += 1) all.repeated.warn({ ip: '192.0.2.1' }, 'refused');
    t.equal(all.lines.length, 5);
  },
);

t.test('one who has a /64 of IPv6 is one, and so is an endpoint of webhooks', async (t) => {
  const { repeated, lines } = fixture(1);
  for (let n = 0; n < 5; n += 1) repeated.warn({ ip: `2001:db8::${n}` }, 'refused');
  repeated.warn({ ip: '2001:db8:0:1::1' }, 'refused');
  t.equal(lines.length, 2);
  for (let n = 0; n < 5; n += 1) repeated.error({ url: 'https://a.example/hooks', n }, 'given up');
  repeated.error({ url: 'https://b.example/hooks' }, 'given up');
  t.equal(lines.length, 4);
  repeated.sumUp();
  t.strictSame(lines.at(-1), {
    level: 'error',
    fields: { url: 'https://a.example/hooks', n: 4, repeated: 4 },
    message: 'given up',
  });
});

t.test('a level that is not logged is not counted', async (t) => {
  const { repeated, lines } = fixture(1);
  for (let n = 0; n < 5; n += 1) repeated.info({ ip: '192.0.2.1' }, 'established');
  repeated.sumUp();
  t.equal(lines.length, 0);
});

t.test('ten thousand addresses take the room of a thousand', async (t) => {
  const { repeated, lines } = fixture(1);
  for (let n = 0; n < 10_000; n += 1) repeated.warn({ ip: `10.0.${n >> 8}.${n & 255}` }, 'refused');
  t.equal(lines.length, 1001);
  repeated.sumUp();
  t.equal(lines.length, 1002);
  t.match(lines.at(-1)?.fields, { repeated: 8999 });
});
