/**
 * Loads tracing if the process was started with it.
 * @module
 */

import { isExporting } from "../../exporting.ts";
import { loadWith } from "../../packages/load_with.ts";
import { PACKAGE_GROUPS } from "../../packages/package_groups.ts";
import type { Tracing } from "./tracing.ts";

/** Null if nothing is exported. Fetches the package that tracing needs. */
export async function loadTracing(version: string): Promise<Tracing | null> {
  if (!isExporting()) return null;
  const module = new URL("./tracing.ts", import.meta.url);
  const { createTracing } = await loadWith<typeof import("./tracing.ts")>(PACKAGE_GROUPS.tracing, module, {});
  return createTracing(version);
}
