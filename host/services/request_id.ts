/**
 * Names what a plugin asks for, so that asking for the same again makes nothing twice. A host that dies, or that is
 * refused what it wanted to record, leaves events behind that pass the plugins once more, although what they asked for
 * the first time is there already.
 *
 * A request is named by what the plugin was called for, and by its content. Its place among the plugin's other requests
 * says nothing, since it may differ from one run to the next: then one of them would be taken for the other, and lost.
 * A request whose content differs, by a time or a random number, is therefore another one.
 * @module
 */

import { createHash } from "node:crypto";
import type { Cause } from "./services.ts";

/** How often each content was asked for, by cause: a plugin may want the same twice. */
const asked = new WeakMap<Cause, Map<string, number>>();

/** A UUID; undefined when every call of the plugin counts. To be called once for each request, before any await. */
export function requestId(cause: Cause, content: readonly unknown[]): string | undefined {
  if (cause.name === undefined) return undefined;
  const counts = asked.get(cause) ?? new Map<string, number>();
  asked.set(cause, counts);
  const text = digest(JSON.stringify([cause.name, ...content]));
  const count = (counts.get(text) ?? 0) + 1;
  counts.set(text, count);
  return uuidOf(digest(`${text} ${count}`));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Version 8: the bits are our own. */
function uuidOf(hex: string): string {
  const variant = (Number.parseInt(hex.charAt(16), 16) & 3 | 8).toString(16);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, variant + hex.slice(17, 20), hex.slice(20)]
    .join("-");
}
