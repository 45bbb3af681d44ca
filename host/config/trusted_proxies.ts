/**
 * Determines which proxies are trusted when they report how a request came, and which prefixes they may report.
 * @module
 */

import { BlockList, isIP } from "node:net";

/** Whether the address belongs to a trusted proxy. */
export type TrustedProxies = (address: string) => boolean;

const PRIVATE = [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "::1",
  "fc00::/7",
  "fe80::/10",
];

/**
 * Parses `yes`, `no`, `private`, or addresses and networks separated by commas.
 * @throws Error that says what was expected
 */
export function readProxies(text: string): TrustedProxies {
  const word = text.trim().toLowerCase();
  if (["yes", "true", "1", "on"].includes(word)) return () => true;
  if (["no", "false", "0", "off"].includes(word)) return () => false;
  const list = new BlockList();
  for (const entry of word.split(",").flatMap((each) => each.trim() === "private" ? PRIVATE : [each.trim()])) {
    add(list, entry);
  }
  return remembering((address) => {
    const version = isIP(address);
    return version !== 0 &&
      list.check(
        address.replace(/^::ffff:(?=\d+\.)/, ""),
        address.includes(":") && !/^::ffff:\d+\./.test(address) ? "ipv6" : "ipv4",
      );
  });
}

/**
 * How many results are cached: requests come from few proxies, and searching the list took a tenth of the cost of a
 * request to an upstream.
 */
const MOST_REMEMBERED = 1000;

function remembering(trusts: TrustedProxies): TrustedProxies {
  const known = new Map<string, boolean>();
  return (address) => {
    let answer = known.get(address);
    if (answer !== undefined) return answer;
    answer = trusts(address);
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(address, answer);
    return answer;
  };
}

function add(list: BlockList, entry: string): void {
  const [address = "", bits] = entry.split("/");
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  if (version === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
    throw new Error("yes, no, private, or addresses and networks such as 10.0.0.0/8, separated by commas");
  }
  const family = version === 4 ? "ipv4" : "ipv6";
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(bits), family);
}

/** Whether the text is a prefix such as `/ingest` or `/a/b`: plain segments, no slash at the end. */
export function isPathPrefix(text: string): boolean {
  return /^(?:\/[\w~-][\w.~-]*)+$/.test(text) && text.length <= 200;
}
