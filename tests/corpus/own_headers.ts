/**
 * Headers of a request without those that fetch adds by itself.
 * @module
 */

const AUTOMATIC: Record<string, RegExp> = {
  "accept": /^\*\/\*$/,
  "accept-encoding": /./,
  "connection": /./,
  "content-length": /./,
  "content-type": /^(text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)/,
  "user-agent": /^node-fetch\//,
};

/** By name in lower case. A header of `wanted` is kept in any case. */
export function ownHeaders(headers: [string, string][], wanted: Iterable<string>): Record<string, string> {
  const names = new Set([...wanted].map((name) => name.toLowerCase()));
  return Object.fromEntries(headers.filter(([name, value]) => names.has(name) || !AUTOMATIC[name]?.test(value)));
}
