/**
 * Hop-by-hop headers, which concern one connection only and are not forwarded.
 * @module
 */

export type HeaderList = [name: string, value: string][];

const STANDARD: ReadonlySet<string> = new Set([
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
 * The names of hop-by-hop headers, in lower case: the standard ones, and those that the Connection header (`""` when
 * there is none) names.
 */
export function hopByHop(connection: string): ReadonlySet<string> {
  if (/^(|keep-alive|close)$/i.test(connection)) return STANDARD;
  return new Set([...STANDARD, ...connection.split(",").map((name) => name.trim().toLowerCase())]);
}
