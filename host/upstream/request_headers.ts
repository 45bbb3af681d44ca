/**
 * The headers that go on to a project's PostHog: those of the client, but for what is meant for this service or for one connection alone.
 * @module
 */

import type { Arrival } from "../capture/arrival.ts";
import { withoutHopByHop } from "./forward.ts";

/** Of the operator's page; nothing for PostHog. Whatever separates cookies of several headers is taken for a separator. */
const OUR_COOKIE = /(^|[;,])\s*hogpen_session\s*=[^;,]*/gi;
/** What proxies said of the request. Which of it is believed stands in X-Forwarded-… anew. */
const SAID_BY_PROXIES = ["forwarded", "x-real-ip", "x-forwarded-prefix"];

export interface HeadersOptions {
  /** Host and port of the upstream. */
  host: string;
  arrival: Arrival;
  /** Whether a token opens this service's own API. */
  isOurToken(token: string): boolean;
}

export function headersFor(given: Headers, { host, arrival, isOurToken }: HeadersOptions): Headers {
  const headers = withoutHopByHop(given);
  // The body is measured anew, and whoever expects "100 Continue" had it from us.
  for (const name of [...SAID_BY_PROXIES, "content-length", "expect"]) headers.delete(name);
  headers.set("host", host);
  headers.set("x-forwarded-proto", arrival.origin.startsWith("https:") ? "https" : "http");
  headers.set("x-forwarded-host", arrival.origin.slice(arrival.origin.indexOf("//") + 2));
  if (arrival.prefix !== "") headers.set("x-forwarded-prefix", arrival.prefix);
  if (arrival.address === "") headers.delete("x-forwarded-for");
  else headers.set("x-forwarded-for", arrival.address);

  const [, token] = /^Bearer\s+(\S+)/i.exec(headers.get("authorization") ?? "") ?? [];
  if (token !== undefined && isOurToken(token)) headers.delete("authorization");
  const cookies = headers.get("cookie")?.replaceAll(OUR_COOKIE, "").replace(/^[;,]\s*/, "");
  if (cookies === "") headers.delete("cookie");
  else if (cookies !== undefined) headers.set("cookie", cookies);
  return headers;
}
