/**
 * Determines the client's address of a request.
 * @module
 */

import { isIP } from "node:net";
import type { TrustedProxies } from "../config/trusted_proxies.ts";

export interface ClientIpOptions {
  /** Proxies whose headers are believed. */
  trustProxy: TrustedProxies;
  /** The header in which they report the client's address, preferred to all others; null when there is none. */
  clientIpHeader: string | null;
}

/** Headers, or a map of headers whose names are in lower case. */
export interface HeaderValues {
  get(name: string): string | null | undefined;
}

/**
 * The connection's own address, unless it belongs to a trusted proxy: then the last entry of X-Forwarded-For (or else
 * Forwarded, X-Real-IP) that is not a trusted proxy. Earlier entries are written by the client and cannot be trusted.
 * "" when nothing is known.
 */
export function clientIp(
  headers: HeaderValues,
  remote: string | undefined,
  { trustProxy: trusts, clientIpHeader }: ClientIpOptions,
): string {
  if (remote !== undefined && !trusts(remote)) return remote;
  const named = clientIpHeader === null ? "" : withoutPort(headers.get(clientIpHeader)?.trim() ?? "");
  if (isIP(named) !== 0) return named;
  const chain = forwardedFor(headers);
  let found = remote ?? "";
  for (const address of chain.toReversed()) {
    found = address;
    if (!trusts(address)) break;
  }
  return found;
}

/**
 * The addresses that proxies recorded, the client's first. Entries that are not addresses, such as `unknown`, are left
 * out.
 */
function forwardedFor(headers: HeaderValues): string[] {
  const list = headers.get("x-forwarded-for") ?? readForwarded(headers, "for") ?? headers.get("x-real-ip");
  if (!list) return [];
  return list.split(",").map((entry) => withoutPort(entry.trim())).filter((address) => isIP(address) !== 0);
}

/** One parameter of each element of the header Forwarded (RFC 7239), joined by commas; null without the header. */
export function readForwarded(headers: HeaderValues, parameter: "for" | "proto" | "host"): string | null {
  const header = headers.get("forwarded");
  if (header === null || header === undefined) return null;
  const pattern = new RegExp(`(?:^|;)\\s*${parameter}="?([^";]+)"?`, "i");
  return header.split(",").map((element) => pattern.exec(element.trim())?.[1] ?? "").join(",");
}

/** Removes the port from `1.2.3.4:5555` and `[::1]:5555`; a bare IPv6 address is left as it is. */
function withoutPort(address: string): string {
  if (address.startsWith("[")) return address.slice(1, address.indexOf("]"));
  const parts = address.split(":");
  return parts.length === 2 ? parts[0] ?? "" : address;
}
