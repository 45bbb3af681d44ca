/**
 * Hides the secrets among a destination's options.
 * @module
 */

import { isRecord } from "../../runtime/is_record.ts";
import { looksSecret } from "../config/looks_secret.ts";
import type { DestinationValue } from "../managed/managed_values.ts";
import { hideSecrets, SECRET_PLACEHOLDER } from "./access/hide_secrets.ts";

/** The address of a webhook is often the secret itself, and so is each of its headers. */
export function isSecretOption(type: string, path: readonly string[], value: unknown): boolean {
  return looksSecret(path.at(-1) ?? "", value) || (type === "webhook" && ["url", "headers"].includes(path[0] ?? ""));
}

/** Options that a destination does not have are not added. */
export function hideDestination(type: string, options: Record<string, unknown>): Record<string, unknown> {
  const shown = hideSecrets(options) as Record<string, unknown>;
  if (type !== "webhook") return shown;
  const { url, headers } = options;
  return {
    ...shown,
    ...(url !== undefined && { url: SECRET_PLACEHOLDER }),
    ...(isRecord(headers) &&
      { headers: Object.fromEntries(Object.keys(headers).map((name) => [name, SECRET_PLACEHOLDER])) }),
  };
}

/** The whole entry as it was given, for the audit. */
export function hideEntry(entry: DestinationValue): Record<string, unknown> {
  return hideDestination(entry.type, entry);
}
