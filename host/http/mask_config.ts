/**
 * Masks the secrets in a plugin's configuration.
 * @module
 */

import type { PluginConfig } from "../config/config.ts";
import type { Manifest } from "../loader/plugin.ts";
import { looksSecret } from "../config/looks_secret.ts";
import { hideSecrets, SECRET_PLACEHOLDER } from "./access/hide_secrets.ts";

export interface ShownAttachment {
  file_name: string;
  content_type: string;
  /** -1 for a secret attachment. */
  size: number;
}

/**
 * Tells which keys have secret values: all of them while plugin.json is unknown or declares no field, as with inline
 * plugins, because nothing then says which are secret.
 */
function createSecretCheck(manifest: Manifest | null): (key: string) => boolean {
  if (manifest === null || manifest.config.length === 0) return () => true;
  const secrets = new Set(manifest.config.filter((field) => field.secret).map((field) => field.key));
  return (key) => secrets.has(key);
}

/**
 * The values, with the placeholder in place of secret ones and of any that look like a secret. Empty values are shown
 * as they are.
 */
export function maskConfig(config: PluginConfig["config"], manifest: Manifest | null): Record<string, unknown> {
  const isSecret = createSecretCheck(manifest);
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      value === "" || value === null
        ? value
        : isSecret(key) || looksSecret(key, value)
        ? SECRET_PLACEHOLDER
        : hideSecrets(value, key),
    ]),
  );
}

/** The keys whose values are hidden. */
export function secretKeys(config: PluginConfig["config"], manifest: Manifest | null): string[] {
  const isSecret = createSecretCheck(manifest);
  return Object.entries(config).filter(([key, value]) =>
    value !== "" && value !== null && (isSecret(key) || looksSecret(key, value))
  ).map(([key]) => key);
}

/** Names and sizes of the attachments. */
export function maskAttachments(
  attachments: PluginConfig["attachments"],
  manifest: Manifest | null,
): Record<string, ShownAttachment> {
  const isSecret = createSecretCheck(manifest);
  return Object.fromEntries(
    Object.entries(attachments).map(([key, { file_name, content_type, contents }]) => [
      key,
      isSecret(key)
        ? { file_name: SECRET_PLACEHOLDER, content_type: "application/octet-stream", size: -1 }
        : { file_name, content_type, size: contents.byteLength },
    ]),
  );
}

/** The plugin's source, without keys that its address may contain. */
export function showSource(source: string | { name?: string | undefined }): string {
  if (typeof source !== "string") return source.name ? `inline: ${source.name}` : "inline";
  if (!/^https?:/i.test(source)) return source;
  const url = URL.parse(source);
  if (url === null) return source;
  url.username = "";
  url.password = "";
  url.searchParams.delete("private_token");
  return url.href;
}
