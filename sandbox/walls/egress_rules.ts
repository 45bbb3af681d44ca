/**
 * Which addresses a plugin may connect to: public ones, and what `egress.allow` opens. The inner of two walls, the
 * outer being the cell's `--deny-net`; this one knows names, ports and IPv6 networks.
 * @module
 */

/**
 * Networks that are not public, as `[prefix, bits]`: this host, private, shared, link-local, test, multicast, reserved.
 * The one with a single address looks public, and is where Azure keeps the secrets of a virtual machine.
 */
const DENIED_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Of IPv6, only global unicast is public, and of that not these: Teredo, documentation. */
const DENIED_V6: readonly (readonly [string, number])[] = [["2001::", 32], ["2001:db8::", 32], ["3fff::", 20]];

interface Network {
  /** Groups of 16 bits: 2 for IPv4, 8 for IPv6. */
  groups: number[];
  bits: number;
}

interface Rule {
  network: Network | undefined;
  /** A name, or the end of one after `*`. */
  name: string | undefined;
  port: number | undefined;
}

/** Says yes or no to addresses; made of the entries of `egress.allow`. */
export interface EgressRules {
  /** True if a connection to the address is fine whatever name it was found by. */
  allowsAddress(address: string, port: number): boolean;
  /** True if the operator opened this name: then whatever it resolves to is fine. */
  allowsName(name: string, port: number): boolean;
}

/** Rules that open what the entries say: `10.1.2.3:5432`, `10.0.0.0/8`, `db`, `*.internal.example`, `[fd00::5]:443`. */
export function createEgressRules(allow: readonly string[]): EgressRules {
  const rules = allow.map(readRule);
  return {
    allowsAddress(address, port) {
      const groups = parseAddress(address);
      if (groups === undefined) return false;
      return isPublic(groups) ||
        rules.some((rule) =>
          rule.network !== undefined && (rule.port ?? port) === port && contains(rule.network, groups)
        );
    },
    allowsName(name, port) {
      const wanted = name.toLowerCase().replace(/\.$/, "");
      return rules.some((rule) =>
        rule.name !== undefined && (rule.port ?? port) === port &&
        (rule.name.startsWith("*") ? wanted.endsWith(rule.name.slice(1)) : wanted === rule.name)
      );
    },
  };
}

/**
 * The refusal in words. It does not say which private address is behind a name: that is nothing for a plugin to learn.
 */
export function refusalMessage(host: string, port: number): string {
  const place = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return `Cannot connect to ${place}: the address is not public, "egress": {"allow": [...]} of the plugin config opens it`;
}

function readRule(entry: string): Rule {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(entry);
  const ported = /^([^:]+):(\d+)$/.exec(entry);
  const host = (bracketed?.[1] ?? ported?.[1] ?? entry).toLowerCase();
  const port = bracketed?.[2] ?? ported?.[2];
  const network = parseNetwork(host);
  return {
    network,
    name: network === undefined ? host : undefined,
    port: port === undefined ? undefined : Number(port),
  };
}

function parseNetwork(text: string): Network | undefined {
  const [address, bits] = text.split("/");
  const groups = parseAddress(address!);
  if (groups === undefined) return undefined;
  return { groups, bits: bits === undefined ? groups.length * 16 : Number(bits) };
}

/** The groups of an address in any spelling that URLs know; an IPv6 address that holds an IPv4 one becomes that. */
export function parseAddress(text: string): number[] | undefined {
  const bare = text.replace(/^\[|\]$/g, "");
  if (/^[\d.]+$/.test(bare)) return parseV4(bare);
  // Only IPv6 has zones. An IPv4 address with one is a name, which may resolve to anything.
  return bare.includes(":") ? embeddedV4(parseV6(bare.replace(/%.*$/, ""))) : undefined;
}

/** Four numbers as everybody reads them: `010` is eight to some and ten to others, and so no address here. */
function parseV4(text: string): number[] | undefined {
  const parts = text.split(".");
  const bytes = parts.map(Number);
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return undefined;
  if (bytes.some((byte) => byte > 255)) return undefined;
  return [bytes[0]! * 256 + bytes[1]!, bytes[2]! * 256 + bytes[3]!];
}

function parseV6(text: string): number[] | undefined {
  let canonical: string;
  try {
    canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
  const [head, tail] = canonical.split("::");
  const read = (part: string | undefined) => part ? part.split(":").map((group) => parseInt(group, 16)) : [];
  if (tail === undefined) return read(head);
  const before = read(head);
  const after = read(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** v4-mapped and v4-compatible, NAT64 and 6to4 addresses lead to the IPv4 address in them. */
function embeddedV4(groups: number[] | undefined): number[] | undefined {
  if (groups === undefined) return undefined;
  const zeros = (count: number) => groups.slice(0, count).every((group) => group === 0);
  const last = groups.slice(6);
  if (zeros(6) || (zeros(5) && groups[5] === 0xffff)) return last;
  if (groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every((group) => group === 0)) return last;
  if (groups[0] === 0x2002) return groups.slice(1, 3);
  return groups;
}

const deniedV4 = DENIED_V4.map(([prefix, bits]): Network => ({ groups: parseV4(prefix)!, bits }));
const deniedV6 = DENIED_V6.map(([prefix, bits]): Network => ({ groups: parseV6(prefix)!, bits }));

function isPublic(groups: number[]): boolean {
  if (groups.length === 2) return !deniedV4.some((network) => contains(network, groups));
  const globalUnicast = (groups[0]! & 0xe000) === 0x2000;
  return globalUnicast && !deniedV6.some((network) => contains(network, groups));
}

function contains(network: Network, groups: number[]): boolean {
  if (network.groups.length !== groups.length) return false;
  return groups.every((group, index) => {
    const bits = Math.min(16, Math.max(0, network.bits - index * 16));
    const mask = (0xffff << (16 - bits)) & 0xffff;
    return (group & mask) === (network.groups[index]! & mask);
  });
}
