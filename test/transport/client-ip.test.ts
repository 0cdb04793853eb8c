import t from 'tap';
import { ClientIp, normalizeIp } from '../../src/transport/client-ip.ts';

t.test('addresses as clients and logs write them', async (t) => {
  t.equal(normalizeIp('192.0.2.1'), '192.0.2.1');
  t.equal(normalizeIp('::ffff:192.0.2.1'), '192.0.2.1');
  t.equal(normalizeIp('0000:0000:0000:0000:0000:ffff:c000:0201'), '192.0.2.1');
  t.equal(normalizeIp('2001:0DB8:0000:0000:0000:0000:0000:0001'), '2001:db8::1');
  t.equal(normalizeIp('unknown'), 'unknown');
});

t.test('without trusted proxies the header is anyone’s to write', async (t) => {
  const direct = new ClientIp([]);
  t.equal(direct.isTrusted('127.0.0.1'), false);
  t.equal(direct.resolve('192.0.2.1', '198.51.100.7'), '192.0.2.1');
  t.equal(direct.resolve('::ffff:192.0.2.1', ''), '192.0.2.1');
});

t.test('the last address of the chain that no trusted proxy has', async (t) => {
  const proxied = new ClientIp(['10.0.0.0/8', '192.0.2.9', '2001:db8:1::/48', '::1']);
  const cases: [remote: string, forwardedFor: string, expected: string, why: string][] = [
    ['10.0.0.1', '198.51.100.7', '198.51.100.7', 'one proxy'],
    ['::ffff:10.0.0.1', '198.51.100.7', '198.51.100.7', 'a v4-mapped proxy'],
    ['192.0.2.9', '198.51.100.7', '198.51.100.7', 'a single address'],
    ['2001:db8:1::5', '2001:db8:2::7', '2001:db8:2::7', 'an IPv6 proxy'],
    ['0:0:0:0:0:0:0:1', '198.51.100.7', '198.51.100.7', 'a long form'],
    ['10.0.0.1', '198.51.100.7, 10.9.9.9', '198.51.100.7', 'two proxies'],
    ['10.0.0.1', '198.51.100.7,10.9.9.9,192.0.2.9', '198.51.100.7', 'three, without spaces'],
    ['10.0.0.1', '203.0.113.1, 198.51.100.7', '198.51.100.7', 'what the client wrote itself comes first'],
    ['10.0.0.1', '10.0.0.5, 203.0.113.1, 198.51.100.7, 10.0.0.2', '198.51.100.7', 'even where it names a proxy'],
    ['10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7', 'a v4-mapped client'],
    ['10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.2', 'all of them proxies: the first'],
    ['10.0.0.1', '', '10.0.0.1', 'no header'],
    ['10.0.0.1', 'unknown', '10.0.0.1', 'no address'],
    ['10.0.0.1', '198.51.100.7, unknown', '10.0.0.1', 'no address last: nothing before it can be believed'],
    ['10.0.0.1', ',', '10.0.0.1', 'empty entries'],
    ['10.0.0.1', '198.51.100.7:49152', '198.51.100.7', 'with a port'],
    ['10.0.0.1', '[2001:db8:2::7]:49152, 10.0.0.2:80', '2001:db8:2::7', 'IPv6 with a port'],
    ['10.0.0.1', '[2001:db8:2::7]', '2001:db8:2::7', 'IPv6 in brackets'],
    ['198.51.100.1', '203.0.113.1', '198.51.100.1', 'not from a proxy'],
    ['11.0.0.1', '203.0.113.1', '11.0.0.1', 'just outside of the range'],
    ['2001:db8:2::5', '203.0.113.1', '2001:db8:2::5', 'just outside of the IPv6 range'],
  ];
  for (const [remote, forwardedFor, expected, why] of cases) {
    t.equal(proxied.resolve(remote, forwardedFor), expected, why);
  }
});

t.test('a chain is looked at from its end, and so many addresses of it', async (t) => {
  const proxied = new ClientIp(['10.0.0.0/8', '::1']);
  const chain = (hops: number) => `203.0.113.9${', 10.0.0.2'.repeat(hops)}`;
  t.equal(proxied.resolve('10.0.0.1', chain(19)), '203.0.113.9');
  t.equal(proxied.resolve('10.0.0.1', chain(20)), '10.0.0.2', 'nobody has so many proxies');
  const long = '::1,'.repeat(16_000);
  const begun = performance.now();
  t.equal(proxied.resolve('10.0.0.1', long), '10.0.0.1');
  t.equal(proxied.resolve('10.0.0.1', `${long}::1`), '::1');
  t.equal(proxied.resolve('192.0.2.1', long), '192.0.2.1');
  t.ok(performance.now() - begun < 50, 'however long it is');
});

t.test('ranges of v4-mapped addresses are ranges of IPv4', async (t) => {
  t.equal(new ClientIp(['::ffff:10.0.0.1']).isTrusted('10.0.0.1'), true);
  const mapped = new ClientIp(['::ffff:10.0.0.0/104']);
  t.equal(mapped.isTrusted('10.200.0.1'), true);
  t.equal(mapped.isTrusted('::ffff:10.200.0.1'), true);
  t.equal(mapped.isTrusted('11.0.0.1'), false);
  const anyone = new ClientIp(['0.0.0.0/0', '::/0']);
  t.equal(anyone.isTrusted('198.51.100.7'), true);
  t.equal(anyone.isTrusted('2001:db8::1'), true);
  t.equal(anyone.isTrusted('not an address'), false);
});
