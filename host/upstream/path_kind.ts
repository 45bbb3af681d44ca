/**
 * Classifies a request by its path: which of PostHog's hosts answers it, how long it may take, and whether the last
 * good answer may be shared with other clients.
 * @module
 */

export type Kind = "flags" | "config" | "assets" | "other";

export function kindOf(path: string): Kind {
  if (/^\/(flags|decide)\/?$/.test(path)) return "flags";
  if (/^\/array\//.test(path)) return "config";
  if (/^\/static\//.test(path)) return "assets";
  return "other";
}

/**
 * How long an answer may take to begin, in milliseconds. SDKs wait for flags before they show a page; other answers are
 * less urgent.
 */
export const TIMEOUT_MS: Record<Kind, number> = { flags: 5_000, config: 5_000, assets: 10_000, other: 60_000 };

/** True if everybody who asks with the same token gets the same answer, which can therefore be kept. */
export function isShared(kind: Kind): boolean {
  return kind === "assets" || kind === "config";
}
