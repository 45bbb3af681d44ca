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

/**
 * Whether the path, with or without a trailing slash, accepts events. Also true of what only a server that decodes
 * paths would take for such a path, as in `/%65/` or `/batch%2F`.
 */
export function isCapturePath(path: string): boolean {
  return isOne(path) || path.includes("%") && isOne(resolve(path));
}

function isOne(path: string): boolean {
  return CAPTURE.includes(path.replace(/\/+$/, ""));
}

/** Decodes what is encoded of ASCII, once, and then does away with empty segments, `.` and `..`. */
function resolve(path: string): string {
  const decoded = path.replaceAll(/%([0-7][0-9a-f])/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
  const segments: string[] = [];
  for (const segment of decoded.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}
