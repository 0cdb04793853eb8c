/** What networks of IPv6 alone put in front of an IPv4 address. */
const NAT64_PREFIX = '64:ff9b:0:0:0:0';

/**
 * What one client has of addresses: an IPv4 address, or the /64 of an IPv6 one. Limits by address count blocks, as who
 * has one IPv6 address has 2^64 of them. An IPv4 address that a NAT64 has translated is that IPv4 address: all of them
 * together have one /64. (RFC 6052)
 *
 * @param ip as the transport tells it: an IPv4 address, or the shortest form of an IPv6 one
 */
export function addressBlock(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail = ''] = ip.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const groups = [...before, ...zeros, ...after];
  return translatedIpv4(groups) ?? `${groups.slice(0, 4).join(':')}::/64`;
}

/** What one site has: an IPv4 address, or the /48 of an IPv6 one. @param block from `addressBlock` */
export function addressSite(block: string): string {
  return block.includes(':') ? `${block.split(':', 3).join(':')}::/48` : block;
}

function translatedIpv4(groups: readonly string[]): string | undefined {
  if (groups.slice(0, 6).join(':') !== NAT64_PREFIX) return undefined;
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
