/**
 * Identifies what a plugin asks for, so that repeating a request has no second effect. When a host dies, or when its
 * result is refused, events pass the plugins once more, although what they asked for the first time may already exist.
 *
 * A request is identified by what the plugin was called for, and by its own content. Its position among the plugin's
 * other requests is not used: it may differ from run to run, and one request would then be taken for another and lost.
 * A request whose content differs, for example by a time or a random number, is therefore a different request.
 * @module
 */

import { createHash } from "node:crypto";
import type { Cause } from "./services.ts";

/** How often each content was requested, by cause. A plugin may want the same thing twice. */
const asked = new WeakMap<Cause, Map<string, number>>();

/** A UUID; undefined if every call of the plugin counts. To be called once for each request, before any await. */
export function requestId(cause: Cause, content: readonly unknown[]): string | undefined {
  if (cause.occasion === undefined) return undefined;
  const counts = asked.get(cause) ?? new Map<string, number>();
  asked.set(cause, counts);
  const text = digest(JSON.stringify([cause.occasion, ...content]));
  const count = (counts.get(text) ?? 0) + 1;
  counts.set(text, count);
  return uuidOf(digest(`${text} ${count}`));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** A UUID of version 8, whose bits the application may choose. */
function uuidOf(hex: string): string {
  const variant = (Number.parseInt(hex.charAt(16), 16) & 3 | 8).toString(16);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, variant + hex.slice(17, 20), hex.slice(20)]
    .join("-");
}
