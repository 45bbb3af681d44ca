/**
 * A name for a configuration, by which hosts see whether they run the same.
 * @module
 */

import { createHash, createHmac } from "node:crypto";
import type { HogpenConfig } from "../../config/config.ts";

const LENGTH = 12;

/**
 * The same for equal configurations, and only for these, under the same key. The configuration has secrets in it: without the key, who
 * reads the name could try out guesses.
 */
export function revisionOf(config: HogpenConfig, key: string): string {
  const text = JSON.stringify(config, (_name, value) => value instanceof Uint8Array ? digest(value) : value);
  return createHmac("sha256", key).update(text).digest("hex").slice(0, LENGTH);
}

function digest(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
