/**
 * What one client has of addresses: an IPv4 address, or the /64 of an IPv6 one. Limits by address count blocks, as who
 * has one IPv6 address has 2^64 of them.
 *
 * @param ip as the transport tells it: an IPv4 address, or the shortest form of an IPv6 one
 */
export function addressBlock(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail = ''] = ip.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}
