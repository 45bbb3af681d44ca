/**
 * Chooses the headers that are forwarded to a project's PostHog: those of the client, except those that are meant for
 * this service or for one connection only.
 * @module
 */

import { Buffer } from "node:buffer";
import type { Arrival } from "../capture/arrival.ts";
import { type HeaderList, hopByHop } from "./hop_by_hop.ts";

/**
 * The session cookie of the operator's page, which PostHog must not see. Several Cookie headers may have been joined
 * with either separator.
 */
const OUR_COOKIE = /(^|[;,])\s*hogpen_session\s*=[^;,]*/gi;
/**
 * Not forwarded: host, length and what proxies added are written anew, and "100 Continue" is answered by this service.
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
  /** Replaces the project's token, with which exporters of traces authorise themselves, by its key at PostHog. */
  swap(text: string): string;
  /** The encodings that the answer may have; if absent, those that the client accepts. */
  acceptEncoding?: string;
}

export function headersFor({ arrival, isOurToken, swap, acceptEncoding }: HeadersOptions): HeaderList {
  const headers: HeaderList = [];
  const dropped = hopByHop(arrival.headers.get("connection") ?? "");
  for (const [name, value] of arrival.headers) {
    if (dropped.has(name) || NOT_SENT.has(name)) continue;
    if (name === "accept-encoding" && acceptEncoding !== undefined) continue;
    const kept = withoutOurs(name, value, isOurToken);
    if (kept !== "" || value === "") headers.push([name, name === "authorization" ? swap(kept) : kept]);
  }
  if (acceptEncoding !== undefined) headers.push(["accept-encoding", acceptEncoding]);
  if (arrival.address !== "") headers.push(["x-forwarded-for", arrival.address]);
  const [scheme = "", host = ""] = arrival.origin.split("://");
  headers.push(["x-forwarded-proto", scheme], ["x-forwarded-host", host]);
  if (arrival.prefix !== "") headers.push(["x-forwarded-prefix", arrival.prefix]);
  return headers;
}

/** The header's value without anything that opens this service; "" if nothing is left. */
function withoutOurs(name: string, value: string, isOurToken: (token: string) => boolean): string {
  if (name === "cookie") return value.replaceAll(OUR_COOKIE, "").replace(/^[;,]\s*/, "");
  if (name !== "authorization") return value;
  return wordsOf(value).some(isOurToken) ? "" : value;
}

/**
 * Everything in an Authorization header that may be a token, in whatever scheme. Several headers may have been joined
 * by commas, and a token may itself contain the characters that stand around tokens.
 */
function wordsOf(value: string): string[] {
  const basic = [...value.matchAll(/\bBasic\s+([\w+/-]+)/gi)].flatMap(([, packed = ""]) => {
    const pair = Buffer.from(packed, "base64").toString();
    const colon = pair.indexOf(":");
    return [pair.slice(0, Math.max(0, colon)), pair.slice(colon + 1)];
  });
  return [...value.split(/,?\s+/), ...value.split(/[\s,]+/), ...value.split(/[\s,;:="']+/), ...basic];
}
