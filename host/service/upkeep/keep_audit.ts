/**
 * Deletes audit entries that are older than the setting allows.
 * @module
 */

import type { Audit } from "../../store/things.ts";

const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Runs at once, and then every hour. */
export function keepAudit(
  audit: Pick<Audit, "prune">,
  days: number,
  now: () => number,
  onError: (error: unknown) => void,
): Disposable {
  const prune = () => void audit.prune(now() - days * DAY_MS).catch(onError);
  prune();
  const timer = setInterval(prune, EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
