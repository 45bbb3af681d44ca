/**
 * Hop-by-hop headers, which concern one connection only and are not forwarded.
 * @module
 */

export type HeaderList = [name: string, value: string][];

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Removes hop-by-hop headers: the standard ones, and those that the Connection header names. Names are in lower case.
 */
export function withoutHopByHop(headers: Iterable<HeaderList[number]>): HeaderList {
  const kept: HeaderList = [];
  const named = new Set<string>();
  for (const header of headers) {
    if (!HOP_BY_HOP.has(header[0])) kept.push(header);
    else if (header[0] === "connection") {
      for (const name of header[1].split(",")) named.add(name.trim().toLowerCase());
    }
  }
  return named.size === 0 ? kept : kept.filter(([name]) => !named.has(name));
}
