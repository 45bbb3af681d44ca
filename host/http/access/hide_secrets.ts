/**
 * Replaces values that must not be shown, recognised by the names of their fields or by their form.
 * @module
 */

import { isRecord } from "../../../runtime/is_record.ts";
import { looksSecret } from "../../config/looks_secret.ts";

/** PostHog's placeholder for a secret that is set. */
export const SECRET_PLACEHOLDER = "**************** POSTHOG SECRET FIELD ****************";

/** The value with everything replaced that looks like a secret. */
export function hideSecrets(value: unknown, name = ""): unknown {
  if (looksSecret(name, value) && !Array.isArray(value) && !isRecord(value)) return SECRET_PLACEHOLDER;
  if (Array.isArray(value)) return value.map((each) => hideSecrets(each, name));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hideSecrets(each, key)]));
}
