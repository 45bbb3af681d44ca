/**
 * The address a request came from.
 * @module
 */

import { isIP } from "node:net";
import type { TrustedProxies } from "../config/trusted_proxies.ts";

export interface ClientIpOptions {
  /** Proxies whose word is taken. */
  trustProxy: TrustedProxies;
  /** Where they name the client's address, before all others; null: nowhere. */
  clientIpHeader: string | null;
}

/** Headers, or a map of them with names in lower case. */
export interface HeaderValues {
  get(name: string): string | null | undefined;
}

/**
 * The address of the connection; when that is a trusted proxy's, the last entry of X-Forwarded-For (or else Forwarded, X-Real-IP) that is
 * not another trusted proxy's: what stands before it was written by the client. "" when nothing is known.
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

/** The addresses that proxies noted, the client's first; entries that are none, such as `unknown`, are left out. */
function forwardedFor(headers: HeaderValues): string[] {
  const list = headers.get("x-forwarded-for") ?? readForwarded(headers, "for") ?? headers.get("x-real-ip") ?? "";
  return list.split(",").map((entry) => withoutPort(entry.trim())).filter((address) => isIP(address) !== 0);
}

/** One parameter of each element of RFC 7239's header Forwarded, separated by commas; null without the header. */
export function readForwarded(headers: HeaderValues, parameter: "for" | "proto" | "host"): string | null {
  const header = headers.get("forwarded");
  if (header === null || header === undefined) return null;
  const pattern = new RegExp(`(?:^|;)\s*${parameter}="?([^";]+)"?`, "i");
  return header.split(",").map((element) => pattern.exec(element.trim())?.[1] ?? "").join(",");
}

/** `1.2.3.4:5555` and `[::1]:5555`; a bare IPv6 address is left alone. */
function withoutPort(address: string): string {
  if (address.startsWith("[")) return address.slice(1, address.indexOf("]"));
  const parts = address.split(":");
  return parts.length === 2 ? parts[0] ?? "" : address;
}
