import t from 'tap';
import { GuessLimits } from '../../../src/transport/xhr/guess-limits.ts';

const spend = (limits: GuessLimits, ip: string, nowMs: number): number => {
  let granted = 0;
  while (limits.take(ip, nowMs)) granted += 1;
  return granted;
};

t.test('an address has thirty at once, and one in two seconds after that', async (t) => {
  const limits = new GuessLimits();
  t.equal(spend(limits, '192.0.2.1', 0), 30);
  t.equal(spend(limits, '192.0.2.1', 1000), 0);
  t.equal(spend(limits, '192.0.2.1', 2000), 1);
  t.equal(spend(limits, '192.0.2.2', 2000), 30, 'another address has its own');
  t.equal(spend(limits, '192.0.2.1', 1_000_000), 30, 'never more at once');
});

t.test('the addresses of one /64 share theirs', async (t) => {
  const limits = new GuessLimits();
  t.equal(spend(limits, '2001:db8::1', 0), 30);
  t.equal(spend(limits, '2001:db8::ffff:2', 0), 0);
  t.equal(spend(limits, '2001:db8:0:1::1', 0), 30);
});

t.test('who has a /48 of IPv6 takes no allowance but its own', async (t) => {
  const limits = new GuessLimits();
  for (let i = 0; i < 30_000; i += 1) limits.take(`2001:db8:1:${i.toString(16)}::1`, 0);
  t.equal(spend(limits, '192.0.2.1', 0), 30);
  t.equal(spend(limits, '2001:db8:2::1', 0), 30);
  t.equal(spend(limits, '2001:db8:1:ffff::1', 0), 0);
});

t.test('those who come from very many addresses share one allowance, until others are forgotten', async (t) => {
  const limits = new GuessLimits();
  for (let i = 0; i < 20_000; i += 1) limits.take(`10.0.${i >> 8}.${i & 255}`, 0);
  t.equal(spend(limits, '192.0.2.1', 0) + spend(limits, '192.0.2.2', 0), 30);
  limits.prune(61_000);
  t.equal(spend(limits, '192.0.2.3', 61_000), 30);
});
