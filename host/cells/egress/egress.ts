/**
 * Where a plugin may connect to: everything but the addresses that a machine's own network uses, less what
 * `egress.allow` opens.
 *
 * Two walls enforce it. Deno checks the resolved address of every connection of the process against `--deny-net`, which
 * takes IPv4 networks and single IPv6 addresses. The guard inside the sandbox (LoadRequest.egressAllow) checks names,
 * ports and IPv6 networks as well. So an entry always opens a hole in the first wall as wide as the flags can say, and
 * the second wall narrows it to what was written:
 *
 *     10.1.2.3:5432        the address leaves the denied networks; the guard keeps its other ports closed
 *     10.0.0.0/8           the network leaves them
 *     localhost:5432, db   what the name resolves to when the cell starts leaves them
 *     *.internal.example   the addresses are unknown: the private networks leave them, but not loopback and metadata
 *     [fd00::5]:443        flags cannot name IPv6 networks: the guard decides, and single addresses leave the list
 * @module
 */

import { excludeNetwork, formatNetwork, type Ipv4Network, parseNetwork } from "./ipv4_network.ts";

/**
 * IPv4 networks that no plugin reaches by default: this host, private, shared, link-local, test, multicast, reserved,
 * and the address of Azure's metadata that looks public (168.63.129.16).
 */
export const DENIED_NETWORKS = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
] as const;

/**
 * What a wildcard name may resolve to: the networks that organisations use inside. Never loopback or link-local
 * (metadata).
 */
const PRIVATE_NETWORKS = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"] as const;

/** Single IPv6 addresses that flags can deny; networks are the inner guard's matter. */
const DENIED_IPV6 = ["::1", "::", "fd00:ec2::254"] as const;

export interface EgressSources {
  /** Addresses of a name, as the system resolves it; rejects or is empty when there are none. */
  resolve(name: string): Promise<string[]>;
  /** IPv6 addresses of this machine's own interfaces. */
  ownIpv6: readonly string[];
}

/** The value of `--deny-net` for a cell whose plugin config has these `egress.allow` entries. */
export async function denyNetFlag(allow: readonly string[], sources: EgressSources): Promise<string> {
  let networks = DENIED_NETWORKS.map(readNetwork);
  let ipv6 = [...new Set([...DENIED_IPV6, ...sources.ownIpv6])];
  for (const hole of await findHoles(allow, sources)) {
    if (hole.includes(":")) ipv6 = ipv6.filter((address) => address !== hole);
    else networks = networks.flatMap((network) => excludeNetwork(network, readNetwork(hole)));
  }
  return [...networks.map(formatNetwork), ...ipv6.map((address) => `[${address}]`)].join(",");
}

async function findHoles(allow: readonly string[], sources: EgressSources): Promise<string[]> {
  const holes = await Promise.all(allow.map(async (entry) => {
    const host = hostOf(entry);
    if (host.includes(":") || parseNetwork(host) !== null) return [host];
    if (host.includes("*")) return [...PRIVATE_NETWORKS];
    try {
      return await sources.resolve(host);
    } catch {
      // The name may get an address later: the cell's next start sees it. Until then connections to it are refused by
      // address.
      return [];
    }
  }));
  return holes.flat();
}

/** The host, address or network of an entry, without port and brackets, IPv6 in its shortest form. */
function hostOf(entry: string): string {
  const bracketed = /^\[(.+)\](?::\d+)?$/.exec(entry)?.[1];
  if (bracketed !== undefined) return URL.parse(`http://[${bracketed}]`)?.hostname.slice(1, -1) ?? bracketed;
  return entry.replace(/:\d+$/, "");
}

function readNetwork(text: string): Ipv4Network {
  const network = parseNetwork(text);
  if (network === null) throw new TypeError(`Cannot read network "${text}": expected an IPv4 address or network`);
  return network;
}
