/**
 * The paths that take events. They are answered here for every project; what else SDKs ask for belongs to a project's upstream.
 * @module
 */

import { SEGMENT_PATHS } from "./translate/segment.ts";

const CAPTURE = [
  "/e",
  "/capture",
  "/track",
  "/engage",
  "/batch",
  "/s",
  "/i/v0/e",
  "/i/v0/ai",
  "/i/v0/ai/batch",
  "/i/v1/analytics/events",
  ...SEGMENT_PATHS,
];

/** With and without a trailing slash. */
export function isCapturePath(path: string): boolean {
  return CAPTURE.includes(path.replace(/\/+$/, ""));
}
