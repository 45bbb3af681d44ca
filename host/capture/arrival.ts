/**
 * Reconstructs a request as its client made it. Proxies in front of the service change its address, host and path and
 * report the originals in headers, which are believed only when they come from a trusted proxy.
 * @module
 */

import { isPathPrefix, type TrustedProxies } from "../config/trusted_proxies.ts";
import { clientIp, type ClientIpOptions, type HeaderValues, readForwarded } from "./client_ip.ts";

/** What the server knows about a connection, as in Deno.serve's handler info. */
export interface ConnectionInfo {
  remoteAddr?: Deno.Addr;
}

export interface Arrival {
  /** The client's address as far as it can be trusted; "" when unknown. */
  address: string;
  /** The origin that the client addressed, such as `https://events.example`. */
  origin: string;
  /** The part of the client's path that precedes ours, such as `/ingest`; "" when there is none. */
  prefix: string;
  /**
   * Our path, still encoded. Doubled slashes are collapsed, because an `api_host` that ends in a slash makes SDKs
   * request `//e/`.
   */
  path: string;
  /** The query with its question mark, "" without one. */
  search: string;
  /** All request headers; names are in lower case. */
  headers: ReadonlyMap<string, string>;
}

export interface ArrivalOptions extends ClientIpOptions {
  /** A path prefix that proxies do not strip; "" when there is none. */
  pathPrefix: string;
}

/** The client named a host that is not a valid host. */
export class InvalidHostError extends Error {
  override name = "InvalidHostError";
}

export interface Arrivals {
  /** The path alone, which every request needs. Throws InvalidHostError. */
  pathOf(request: Request, connection?: ConnectionInfo): string;
  /** Throws InvalidHostError. */
  arrivalOf(request: Request, connection?: ConnectionInfo): Arrival;
}

export type ArrivalOf = Arrivals["arrivalOf"];

export function createArrivals(options: ArrivalOptions): Arrivals {
  const { trustProxy, pathPrefix } = options;
  return {
    pathOf(request, connection) {
      const { path } = splitAddress(request.url);
      return ourPath(path, request.headers, hostOf(connection?.remoteAddr), trustProxy, pathPrefix).path;
    },
    arrivalOf(request, connection) {
      const remote = hostOf(connection?.remoteAddr);
      const { origin, path, search } = splitAddress(request.url);
      const headers = new Map<string, string>();
      // Their iterator takes several times as long.
      request.headers.forEach((value, name) => headers.set(name, value));
      return {
        address: clientIp(headers, remote, options),
        origin: originOf(origin, headers, remote, trustProxy),
        search,
        headers,
        ...ourPath(path, headers, remote, trustProxy, pathPrefix),
      };
    },
  };
}

/** The address of the remote end, when the connection has one. */
export function hostOf(remote: Deno.Addr | undefined): string | undefined {
  return remote && "hostname" in remote ? remote.hostname : undefined;
}

const PLAIN = /^(https?:\/\/(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\])(?::(?!(?:80|443)\/)\d{1,5})?)(\/[^?#]*)(\?[^#]*)?/;
/** Matches what `URL` would resolve or encode, and what servers interpret differently. */
const NOT_PLAIN = /\/\.|%2e|\\|\/\/|[^!-~]/i;
const NOT_ASCII = /[^!-~]/;

/** Splits an address without `URL`: parsing every address with it would cost more than the rest of the work. */
function splitAddress(address: string): { origin: string; path: string; search: string } {
  const [, origin, path = "", search = ""] = PLAIN.exec(address) ?? [];
  if (origin !== undefined && !NOT_PLAIN.test(path) && !NOT_ASCII.test(search)) return { origin, path, search };
  const url = URL.parse(address);
  if (url === null) throw new InvalidHostError(`Cannot read the address of a request: ${address}`);
  return { origin: url.origin, path: url.pathname.replaceAll(/\/{2,}/g, "/"), search: url.search };
}

const HOST = /^(?:[\w.-]{1,253}|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/**
 * The origin that the client addressed, from X-Forwarded-Proto and X-Forwarded-Host or else Forwarded. Throws
 * InvalidHostError.
 */
export function clientOrigin(request: Request, remote: string | undefined, trusts: TrustedProxies): string {
  return originOf(splitAddress(request.url).origin, request.headers, remote, trusts);
}

function originOf(
  asked: string,
  headers: HeaderValues,
  remote: string | undefined,
  trusts: TrustedProxies,
): string {
  if (remote !== undefined && !trusts(remote)) return asked;
  const proto = firstOf(headers.get("x-forwarded-proto")) ?? firstOf(readForwarded(headers, "proto"));
  const host = firstOf(headers.get("x-forwarded-host")) ?? firstOf(readForwarded(headers, "host"));
  if (proto === null && host === null) return asked;
  const [scheme, ownHost] = asked.split("://");
  const origin = URL.parse(
    `${proto !== null && /^https?$/i.test(proto) ? proto : scheme}://${
      host !== null && HOST.test(host) ? host : ownHost
    }`,
  );
  return origin?.origin ?? asked;
}

/**
 * Strips the prefix for both kinds of proxies: those that remove it and report it in X-Forwarded-Prefix, and those that
 * leave it in the path.
 */
function ourPath(
  path: string,
  headers: HeaderValues,
  remote: string | undefined,
  trusts: TrustedProxies,
  pathPrefix: string,
): { prefix: string; path: string } {
  const said = firstOf(headers.get("x-forwarded-prefix"))?.replace(/\/+$/, "") ?? "";
  const isBelieved = said !== "" && isPathPrefix(said) && (remote === undefined || trusts(remote));
  const forwarded = isBelieved ? said : "";
  for (const prefix of [forwarded, pathPrefix]) {
    if (prefix === "") continue;
    if (path === prefix) return { prefix, path: "/" };
    if (path.startsWith(`${prefix}/`)) return { prefix, path: path.slice(prefix.length) };
  }
  return { prefix: forwarded, path };
}

/** The first entry of a list, which the outermost proxy wrote. */
function firstOf(list: string | null | undefined): string | null {
  return list?.split(",", 1)[0]?.trim() || null;
}
