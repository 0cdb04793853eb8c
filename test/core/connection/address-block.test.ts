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
  t.equal(addressBlock('64:ff9b:0:1::102:304'), '64:ff9b:0:1::/64');
  t.not(addressBlock('2001:db8:0:1::1'), block);
  t.not(addressBlock('2001:db8::1:0:0:0:1'), block, 'that is 2001:db8:0:1:0:0:0:1');
});

t.test('an IPv4 client that a NAT64 translates is a block of its own, and not one with all others', async (t) => {
  t.equal(addressBlock('64:ff9b::102:304'), '1.2.3.4');
  t.equal(addressBlock('64:ff9b::c000:2ff'), '192.0.2.255');
  t.equal(addressBlock('64:ff9b::7'), '0.0.0.7');
  t.equal(addressBlock('64:ff9b::'), '0.0.0.0');
  t.equal(addressBlock('64:ff9b:0:0:0:0:102:304'), '1.2.3.4');
  t.equal(addressBlock('64:ff9b::1:0:0:5'), '64:ff9b:0:0::/64', 'that is no translated address');
});
