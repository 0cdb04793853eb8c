import type { HttpRequest as NativeRequest } from 'uWebSockets.js';
import ipaddr from 'ipaddr.js';

/** Proxies that a request may have come by: whoever names more is not believed further. */
const MAX_FORWARDED_HOPS = 20;

/** An address as clients and logs write it: IPv4 without its IPv6 mapping, IPv6 in its short form. */
export function normalizeIp(text: string): string {
  return ipaddr.isValid(text) ? ipaddr.process(text).toString() : text;
}

/**
 * Finds the client behind proxies. `X-Forwarded-For` is taken from proxies that were configured, and from no one else.
 */
export class ClientIp {
  readonly #ranges: ReadonlyArray<[ipaddr.IPv4 | ipaddr.IPv6, number]>;

  /** @param trustedProxies addresses, or ranges such as `10.0.0.0/8` */
  constructor(trustedProxies: readonly string[]) {
    this.#ranges = trustedProxies.map((entry) =>
      entry.includes('/') ? unmappedRange(ipaddr.parseCIDR(entry)) : wholeAddress(ipaddr.process(entry)),
    );
  }

  isTrusted(ip: string): boolean {
    if (this.#ranges.length === 0 || !ipaddr.isValid(ip)) return false;
    const address = ipaddr.process(ip);
    return this.#ranges.some((range) => address.kind() === range[0].kind() && address.match(range));
  }

  /**
   * The whole chain that the request names; empty where no proxy is trusted and nobody would look at it. A proxy may
   * add a header of its own after the one that the client sent (HAProxy does), and `getHeader` would return the
   * client's, which may be empty.
   */
  forwardedFor(req: Pick<NativeRequest, 'forEach'>): string {
    if (this.#ranges.length === 0) return '';
    const values: string[] = [];
    req.forEach((name, value) => {
      if (name === 'x-forwarded-for') values.push(value);
    });
    return values.join(',');
  }

  /** Whether a client came over TLS to the proxy at `remote`, by its `X-Forwarded-Proto`. */
  saysTls(remote: string, forwardedProto: string): boolean {
    return forwardedProto.toLowerCase() === 'https' && this.isTrusted(normalizeIp(remote));
  }

  /** The last address of the chain that no trusted proxy has: what comes before it, anyone may have written. */
  resolve(remote: string, forwardedFor: string): string {
    let client = normalizeIp(remote);
    let end = forwardedFor.length;
    for (let hops = 0; end > 0 && hops < MAX_FORWARDED_HOPS && this.isTrusted(client); hops += 1) {
      const comma = forwardedFor.lastIndexOf(',', end - 1);
      const hop = withoutPort(forwardedFor.slice(comma + 1, end).trim());
      if (!ipaddr.isValid(hop)) break;
      client = normalizeIp(hop);
      end = comma;
    }
    return client;
  }
}

function wholeAddress(address: ipaddr.IPv4 | ipaddr.IPv6): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

const V4_MAPPED_BITS = 96;

/** Addresses are compared without their IPv6 mapping, so a range of mapped ones is one of IPv4. */
function unmappedRange(range: [ipaddr.IPv4 | ipaddr.IPv6, number]): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [address, bits] = range;
  if (!(address instanceof ipaddr.IPv6) || !address.isIPv4MappedAddress() || bits < V4_MAPPED_BITS) return range;
  return [address.toIPv4Address(), bits - V4_MAPPED_BITS];
}

/** Some proxies add the client's port: `192.0.2.1:49152`, `[2001:db8::1]:49152`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}
