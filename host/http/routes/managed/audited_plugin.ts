/**
 * A plugin config in the form that the audit keeps.
 * @module
 */

import type { ManagedPlugin } from "../../../managed/thing_codec.ts";
import { hideSecrets } from "../../access/hide_secrets.ts";
import { maskConfig, showSource } from "../../mask_config.ts";

/**
 * What everybody who reads the audit may see. It includes no value of the configuration, because plugin.json, which
 * says what is secret, is not known here.
 */
export function auditedPlugin({ entry, archive, attachments }: ManagedPlugin) {
  return {
    source: archive === null ? showSource(entry.source) : `upload ${archive}`,
    enabled: entry.enabled,
    order: entry.order,
    config: maskConfig(entry.config, null),
    attachments: Object.keys(attachments),
    limits: hideSecrets({ ...entry, source: undefined, config: undefined }),
  };
}
