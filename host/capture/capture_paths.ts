/**
 * The paths that accept events. The service answers them for every project; other requests of SDKs go to the project's
 * upstream.
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

/** Whether the path, with or without a trailing slash, accepts events. */
export function isCapturePath(path: string): boolean {
  return CAPTURE.includes(path.replace(/\/+$/, ""));
}
