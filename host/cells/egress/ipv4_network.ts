/**
 * IPv4 networks as numbers, and taking one network out of another.
 * @module
 */

export interface Ipv4Network {
  /** First address. */
  base: number;
  /** Bits of the prefix, 0 to 32. */
  bits: number;
}

/** Reads `10.0.0.0/8` or a single address; null when it is neither. */
export function parseNetwork(text: string): Ipv4Network | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text);
  if (match === null) return null;
  const octets = match.slice(1, 5).map(Number);
  const bits = match[5] === undefined ? 32 : Number(match[5]);
  if (octets.some((octet) => octet > 255) || bits > 32) return null;
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return { base: address - address % sizeOf(bits), bits };
}

/** `10.0.0.0/8`; a single address without its prefix length. */
export function formatNetwork({ base, bits }: Ipv4Network): string {
  const address = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".");
  return bits === 32 ? address : `${address}/${bits}`;
}

/** What remains of a network when another is taken out: nothing, the whole, or the halves that do not hold it. */
export function excludeNetwork(network: Ipv4Network, hole: Ipv4Network): Ipv4Network[] {
  if (!overlaps(network, hole)) return [network];
  if (hole.bits <= network.bits) return [];
  const bits = network.bits + 1;
  const halves = [{ base: network.base, bits }, { base: network.base + sizeOf(bits), bits }];
  return halves.flatMap((half) => excludeNetwork(half, hole));
}

function overlaps(a: Ipv4Network, b: Ipv4Network): boolean {
  return a.base < b.base + sizeOf(b.bits) && b.base < a.base + sizeOf(a.bits);
}

function sizeOf(bits: number): number {
  return 2 ** (32 - bits);
}
