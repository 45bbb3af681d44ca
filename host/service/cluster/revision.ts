/**
 * Computes a name for a configuration, by which hosts can see whether they run the same one.
 * @module
 */

import { createHash, createHmac } from "node:crypto";
import type { HogpenConfig } from "../../config/config.ts";

const LENGTH = 12;

/**
 * Equal configurations have the same name under the same key, and different ones have different names. The key is
 * needed because the configuration contains secrets: a plain hash would let whoever sees it try out guesses.
 */
export function revisionOf(config: HogpenConfig, key: string): string {
  const text = JSON.stringify(config, (_name, value) => value instanceof Uint8Array ? digest(value) : value);
  return createHmac("sha256", key).update(text).digest("hex").slice(0, LENGTH);
}

function digest(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
