/**
 * What kind of path a request is for: which host of PostHog's answers it, how long that may take, and whether the last good answer
 * may be given to others.
 * @module
 */

export type Kind = "flags" | "config" | "assets" | "other";

export function kindOf(path: string): Kind {
  if (/^\/(flags|decide)\/?$/.test(path)) return "flags";
  if (/^\/array\//.test(path)) return "config";
  if (/^\/static\//.test(path)) return "assets";
  return "other";
}

/** Milliseconds until an answer must begin. SDKs wait for flags before they show a page; the rest may take its time. */
export const TIMEOUT_MS: Record<Kind, number> = { flags: 5_000, config: 5_000, assets: 10_000, other: 60_000 };

/** The same for everybody who asks with this token, so that it can be kept. */
export function isShared(kind: Kind): boolean {
  return kind === "assets" || kind === "config";
}
