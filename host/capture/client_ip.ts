/**
 * The address a request came from.
 * @module
 */

import { isIP } from "node:net";

/**
 * The first entry of X-Forwarded-For without its port, when proxies are trusted and it is an address; else the address of the
 * connection. "" when neither is known.
 */
export function clientIp(headers: Headers, remote: string | undefined, trustProxy: boolean): string {
  const forwarded = trustProxy ? headers.get("x-forwarded-for") : null;
  if (forwarded) {
    const address = withoutPort((forwarded.split(",", 1)[0] ?? "").trim());
    if (isIP(address)) return address;
  }
  return remote ?? "";
}

/** `1.2.3.4:5555` and `[::1]:5555`; a bare IPv6 address is left alone. */
function withoutPort(address: string): string {
  if (address.startsWith("[")) return address.slice(1, address.indexOf("]"));
  const parts = address.split(":");
  return parts.length === 2 ? parts[0] ?? "" : address;
}
