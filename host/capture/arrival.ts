/**
 * A request as its client made it: proxies in front of the service change its address, host and path, and say in headers what they were.
 * Only proxies that are trusted are believed.
 * @module
 */

import { isPathPrefix, type TrustedProxies } from "../config/trusted_proxies.ts";
import { clientIp, readForwarded } from "./client_ip.ts";

/** What the server knows of a connection; Deno.serve's handler info has it. */
export interface ConnectionInfo {
  remoteAddr?: Deno.Addr;
}

export interface Arrival {
  /** The client's address as far as it can be trusted, "" when it is not known. */
  address: string;
  /** What the client asked, such as `https://events.example`. */
  origin: string;
  /** What stands before our path on the way to the client, such as `/ingest`; "" when nothing does. */
  prefix: string;
  /** Our path, still encoded, without doubled slashes: an `api_host` with a slash at its end makes SDKs ask for `//e/`. */
  path: string;
  /** The query with its question mark, "" without one. */
  search: string;
}

export interface ArrivalOptions {
  /** Proxies whose word is taken. */
  trustProxy: TrustedProxies;
  /** A prefix that proxies leave in the path; "" for none. */
  pathPrefix: string;
}

export type ArrivalOf = (request: Request, connection?: ConnectionInfo) => Arrival;

/** The client asked for a host that is none. */
export class InvalidHostError extends Error {
  override name = "InvalidHostError";
}

/** The function throws InvalidHostError. */
export function createArrivalOf({ trustProxy, pathPrefix }: ArrivalOptions): ArrivalOf {
  const known = new WeakMap<Request, Arrival>();
  return (request, connection) => {
    let arrival = known.get(request);
    if (arrival !== undefined) return arrival;
    const remote = hostOf(connection?.remoteAddr);
    const url = URL.parse(request.url);
    if (url === null) throw new InvalidHostError(`Cannot read the address of a request: ${request.url}`);
    arrival = {
      address: clientIp(request.headers, remote, trustProxy),
      origin: originOf(url, request.headers, remote, trustProxy),
      search: url.search,
      ...ourPath(url, request.headers, remote, trustProxy, pathPrefix),
    };
    known.set(request, arrival);
    return arrival;
  };
}

/** The address of the far side, when the connection has one. */
export function hostOf(remote: Deno.Addr | undefined): string | undefined {
  return remote && "hostname" in remote ? remote.hostname : undefined;
}

const HOST = /^(?:[\w.-]{1,253}|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** The origin that the client asked, by X-Forwarded-Proto and -Host or else Forwarded. */
export function clientOrigin(request: Request, remote: string | undefined, trusts: TrustedProxies): string {
  return originOf(new URL(request.url), request.headers, remote, trusts);
}

function originOf(asked: URL, headers: Headers, remote: string | undefined, trusts: TrustedProxies): string {
  if (remote !== undefined && !trusts(remote)) return asked.origin;
  const proto = firstOf(headers.get("x-forwarded-proto")) ?? firstOf(readForwarded(headers, "proto"));
  const host = firstOf(headers.get("x-forwarded-host")) ?? firstOf(readForwarded(headers, "host"));
  if (proto === null && host === null) return asked.origin;
  const scheme = proto !== null && /^https?$/i.test(proto) ? `${proto.toLowerCase()}:` : asked.protocol;
  const origin = `${scheme}//${host !== null && HOST.test(host) ? host : asked.host}`;
  return URL.canParse(origin) ? new URL(origin).origin : asked.origin;
}

/** Both kinds of proxies are served: those that take the prefix off and say so in X-Forwarded-Prefix, and those that leave it in the path. */
function ourPath(
  { pathname }: URL,
  headers: Headers,
  remote: string | undefined,
  trusts: TrustedProxies,
  pathPrefix: string,
): { prefix: string; path: string } {
  const path = pathname.replaceAll(/\/{2,}/g, "/");
  const isBelieved = remote === undefined || trusts(remote);
  const said = isBelieved ? firstOf(headers.get("x-forwarded-prefix"))?.replace(/\/+$/, "") ?? "" : "";
  const forwarded = isPathPrefix(said) ? said : "";
  for (const prefix of [forwarded, pathPrefix]) {
    if (prefix === "") continue;
    if (path === prefix) return { prefix, path: "/" };
    if (path.startsWith(`${prefix}/`)) return { prefix, path: path.slice(prefix.length) };
  }
  return { prefix: forwarded, path };
}

/** The first entry of a list, which the outermost proxy wrote. */
function firstOf(list: string | null): string | null {
  return list?.split(",", 1)[0]?.trim() || null;
}
