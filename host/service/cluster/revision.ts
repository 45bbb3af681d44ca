/**
 * A name for a configuration, by which hosts see whether they run the same.
 * @module
 */

import { createHash } from "node:crypto";
import type { HogpenConfig } from "../../config/config.ts";

const LENGTH = 12;

/** The same for equal configurations, and only for these. */
export function revisionOf(config: HogpenConfig): string {
  const text = JSON.stringify(config, (_key, value) => value instanceof Uint8Array ? digest(value) : value);
  return digest(text).slice(0, LENGTH);
}

function digest(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
