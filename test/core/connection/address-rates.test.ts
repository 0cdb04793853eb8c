import t from 'tap';
import { AddressRates, secondsOfMinuteLeft } from '../../../src/core/connection/address-rates.ts';

t.test('each address is counted by itself, and anew in each minute', async (t) => {
  const rates = new AddressRates();
  t.same([rates.count('192.0.2.1', 0), rates.count('192.0.2.1', 59_999), rates.count('192.0.2.2', 59_999)], [1, 2, 1]);
  t.equal(rates.count('192.0.2.1', 60_000), 1);
});

t.test('who has very many addresses of IPv6 is not counted with anyone else', async (t) => {
  const rates = new AddressRates();
  for (let index = 0; index < 30_000; index += 1) rates.count(`2001:db8:1:${index.toString(16)}::1`, 0);
  t.equal(rates.count('192.0.2.1', 0), 1);
  t.equal(rates.count('2001:db8:2::1', 0), 1);
  t.equal(rates.count('2001:db8:2:1::1', 0), 2, 'by then one site is counted as one');
  t.equal(rates.count('2001:db8:1:0::1', 0), 2, 'who was there before is counted as before');
  t.equal(rates.count('2001:db8:1:ffff::1', 0), 20_001, 'the many beyond are one');
});

t.test('addresses beyond those that are told apart are counted together', async (t) => {
  const rates = new AddressRates();
  for (let index = 0; index < 20_000; index += 1) rates.count(`10.0.${index >> 8}.${index & 255}`, 0);
  t.same([rates.count('192.0.2.1', 0), rates.count('192.0.2.2', 0)], [1, 2]);
  t.equal(rates.count('192.0.2.1', 60_000), 1);
});

t.test('what a client is told to wait is a second at least', async (t) => {
  t.equal(secondsOfMinuteLeft(60_000), 60);
  t.equal(secondsOfMinuteLeft(119_999), 1);
});
