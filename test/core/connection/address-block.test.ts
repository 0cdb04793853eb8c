import t from 'tap';
import { addressBlock } from '../../../src/core/connection/address-block.ts';

t.test('an IPv4 address is a block of its own', async (t) => {
  t.equal(addressBlock('192.0.2.1'), '192.0.2.1');
});

t.test('IPv6 addresses of one /64 are one block, in whatever way they are written', async (t) => {
  const block = '2001:db8:0:0::/64';
  for (const ip of ['2001:db8::1', '2001:db8::', '2001:db8:0:0:1:2:3:4', '2001:db8:0:0:ffff::1']) {
    t.equal(addressBlock(ip), block, ip);
  }
  t.equal(addressBlock('::1'), '0:0:0:0::/64');
  t.not(addressBlock('2001:db8:0:1::1'), block);
  t.not(addressBlock('2001:db8::1:0:0:0:1'), block, 'that is 2001:db8:0:1:0:0:0:1');
});
