/**
 * Keeps a plugin's secrets out of what is written down about it: plugins repeat the keys and addresses they were given
 * in errors and in what they print.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import { isRecord } from "../../runtime/is_record.ts";
import type { PluginConfig } from "../config/config.ts";
import { looksSecret } from "../config/looks_secret.ts";
import type { Manifest } from "../loader/plugin.ts";

export interface PluginSecrets {
  /** The text with `[secret <field>]` in place of each secret. */
  hide(text: string): string;
  /** The same for name, message and stack. */
  hideIn(error: ErrorRecord): ErrorRecord;
}

/** Shorter values would be found in words that have nothing to do with them. */
const SHORTEST = 6;
/** What is longer, such as the key file of a service account, is not printed as a whole by mistake. */
const LONGEST = 16 * 1024;

/**
 * Secret are the fields that plugin.json calls so, and those that look like secrets. `manifest` is null while
 * plugin.json is not known.
 */
export function createPluginSecrets(
  manifest: Manifest | null,
  { config, attachments }: Pick<PluginConfig, "config" | "attachments">,
): PluginSecrets {
  const fields = new Set(manifest?.config.filter((field) => field.secret).map((field) => field.key));
  const names = new Map<string, string>();

  function add(name: string, value: string): void {
    for (const form of [value, JSON.stringify(value).slice(1, -1), ...inAddresses(value)]) {
      if (form.trim().length >= SHORTEST && form.length <= LONGEST) names.set(form, name);
    }
    const password = URL.parse(value)?.password ?? "";
    for (const form of password === "" ? [] : [password, decoded(password)]) if (form !== value) add(name, form);
  }

  function gather(name: string, key: string, value: unknown, isSecret: boolean): void {
    if (typeof value === "string" || typeof value === "number") {
      if (isSecret || looksSecret(key, value)) add(name, String(value));
    } else if (Array.isArray(value)) {
      for (const each of value) gather(name, key, each, isSecret);
    } else if (isRecord(value)) {
      for (const [inner, each] of Object.entries(value)) gather(name, inner, each, isSecret);
    }
  }

  for (const [key, value] of Object.entries(config)) gather(key, key, value, fields.has(key));
  for (const [key, { contents }] of Object.entries(attachments)) {
    if (fields.has(key) && contents.byteLength <= LONGEST) add(key, new TextDecoder().decode(contents));
  }
  // The longest first: one secret may be a part of another.
  const secrets = Array.from(names).sort(([one], [other]) => other.length - one.length);

  function hide(text: string): string {
    let hidden = text;
    for (const [secret, name] of secrets) {
      if (hidden.includes(secret)) hidden = hidden.replaceAll(secret, () => `[secret ${name}]`);
    }
    return hidden;
  }

  return {
    hide,
    hideIn(error) {
      if (secrets.length === 0) return error;
      const { name, message, stack } = error;
      return { ...error, name: hide(name), message: hide(message), ...(stack !== undefined && { stack: hide(stack) }) };
    },
  };
}

/**
 * As plugins write it into an address: encoded by hand, by URLSearchParams, or not at all, and then URL encodes what it
 * must.
 */
function inAddresses(text: string): string[] {
  return [
    encodeURIComponent(text.toWellFormed()),
    new URLSearchParams({ "": text }).toString().slice(1),
    URL.parse(`http://host/?${text}`)?.search.slice(1) ?? text,
  ];
}

/** As it is when it is not encoded as addresses are. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
