/**
 * The headers that go on to a project's PostHog: those of the client, but for what is meant for this service or for one connection alone.
 * @module
 */

import type { Arrival } from "../capture/arrival.ts";
import { type HeaderList, withoutHopByHop } from "./hop_by_hop.ts";

/** Of the operator's page; nothing for PostHog. Whatever separates cookies of several headers is taken for a separator. */
const OUR_COOKIE = /(^|[;,])\s*hogpen_session\s*=[^;,]*/gi;
/**
 * Written anew: host and length, and what proxies said of the request. Whoever expects "100 Continue" had it from this service.
 */
const NOT_SENT: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "expect",
  "forwarded",
  "x-real-ip",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-prefix",
  "x-forwarded-proto",
]);

export interface HeadersOptions {
  arrival: Arrival;
  /** Whether a token opens this service's own API. */
  isOurToken(token: string): boolean;
  /** Packings that the answer may have; absent: those that the client takes. */
  acceptEncoding?: string;
}

export function headersFor({ arrival, isOurToken, acceptEncoding }: HeadersOptions): HeaderList {
  const headers: HeaderList = [];
  for (const [name, value] of withoutHopByHop(arrival.headers)) {
    if (NOT_SENT.has(name) || name === "accept-encoding" && acceptEncoding !== undefined) continue;
    const kept = withoutOurs(name, value, isOurToken);
    if (kept !== "" || value === "") headers.push([name, kept]);
  }
  if (acceptEncoding !== undefined) headers.push(["accept-encoding", acceptEncoding]);
  if (arrival.address !== "") headers.push(["x-forwarded-for", arrival.address]);
  const [scheme = "", host = ""] = arrival.origin.split("://");
  headers.push(["x-forwarded-proto", scheme], ["x-forwarded-host", host]);
  if (arrival.prefix !== "") headers.push(["x-forwarded-prefix", arrival.prefix]);
  return headers;
}

/** The header's value without what opens this service; "" when nothing is left of it. */
function withoutOurs(name: string, value: string, isOurToken: (token: string) => boolean): string {
  if (name === "cookie") return value.replaceAll(OUR_COOKIE, "").replace(/^[;,]\s*/, "");
  if (name !== "authorization") return value;
  const token = /^Bearer\s+(\S+)/i.exec(value)?.[1];
  return token !== undefined && isOurToken(token) ? "" : value;
}
