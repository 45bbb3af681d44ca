/**
 * node-fetch's Headers: the web's, with `raw()` and with values of any kind.
 * @module
 */

const WebHeaders = Headers;

/** What plugins give as headers. */
export type HeadersSource = Iterable<readonly unknown[]> | Record<string, unknown> | null | undefined;

/** The class that plugins find as `Headers`. */
export class FetchHeaders extends WebHeaders {
  constructor(source?: HeadersSource) {
    super();
    if (source === undefined || source === null) return;
    if (typeof source !== "object") throw new TypeError("Provided initializer must be an object");
    for (const [name, value] of pairsOf(source)) {
      // node-fetch took a value of undefined for the text; no server was ever meant to see it.
      if (value !== undefined) this.append(String(name), String(value));
    }
  }

  /** Every name with the list of its values. */
  raw(): Record<string, string[]> {
    const values: Record<string, string[]> = {};
    for (const [name, value] of this) values[name] = name === "set-cookie" ? this.getSetCookie() : [value];
    return values;
  }
}

function pairsOf(source: Iterable<readonly unknown[]> | Record<string, unknown>): Iterable<readonly unknown[]> {
  return Symbol.iterator in source ? source as Iterable<readonly unknown[]> : Object.entries(source);
}
