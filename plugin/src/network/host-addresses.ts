import { Resolver, lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';

/** Of one question to one name server, in milliseconds. */
const QUESTION_MS = 3_000;
const TRIES = 2;

export interface HostAddress {
  address: string;
  family: number;
}

/** Host name → its addresses, at least one; fails when there are none. */
export type HostResolver = (host: string) => Promise<HostAddress[]>;

/** As every program of this machine sees a name: its hosts file, its search domains, its name servers. */
export const systemAddresses: HostResolver = (host) => lookup(host, { all: true });

/**
 * As the name servers know a name. Meant for names that strangers choose: the system's own look-up takes one of the
 * few threads that the process has for files and pictures, for as long as a stranger's name server keeps silent.
 */
export function createDnsResolver(nameServers?: readonly string[]): HostResolver {
  const resolver = new Resolver({ timeout: QUESTION_MS, tries: TRIES });
  if (nameServers) resolver.setServers(nameServers);
  return async (host) => {
    const [four, six] = await Promise.allSettled([
      resolver.resolve4(host),
      resolver.resolve6(host),
    ]);
    const addresses = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (addresses.length === 0 && four.status === 'rejected') throw four.reason;
    return addresses;
  };
}

/** All that IANA has given out as public so far: an IPv4 address wrapped in another block is none. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Whether an address is one of the public internet: not of this machine, a private network or a special purpose. */
export function isPublicAddress(address: string): boolean {
  const parsed = ipaddr.process(address);
  const isKnownBlock = parsed instanceof ipaddr.IPv4 || parsed.match(PUBLIC_IPV6);
  return isKnownBlock && parsed.range() === 'unicast';
}
