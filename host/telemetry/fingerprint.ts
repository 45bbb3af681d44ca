/**
 * Recognises failures of the same kind: those of the same function at the same place, whose messages differ only in
 * what varies from event to event.
 * @module
 */

import { createHash } from "node:crypto";
import type { ErrorRecord } from "../../runtime/errors.ts";

/** Patterns for the parts that vary, longest first, each with its placeholder. */
const VARIABLE: [RegExp, string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>"],
  [/\b\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?/g, "<time>"],
  [/\bhttps?:\/\/[^\s"'<>)]+/gi, "<url>"],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, "<email>"],
  [/"(?:[^"\\]|\\.){0,1000}"/g, '"<text>"'],
  [/'(?:[^'\\]|\\.){0,1000}'/g, "'<text>'"],
  [/\b(?:0x)?[0-9a-f]*\d[0-9a-f]{7,}\b/gi, "<hex>"],
  [/\d+(?:\.\d+)?/g, "<n>"],
];

/** Only this many characters of a message are compared, because some messages contain the whole event. */
const MAX_MESSAGE = 1000;

/** The message with its variable parts replaced by placeholders. */
export function generalize(message: string): string {
  return VARIABLE.reduce((text, [pattern, name]) => text.replace(pattern, name), message.slice(0, MAX_MESSAGE));
}

/** 16 hexadecimal digits. */
export function fingerprintOf(
  kind: string,
  owner: number,
  place: string,
  error: Pick<ErrorRecord, "name" | "message" | "stack">,
): string {
  const frame = /^\s*at .*$/m.exec(error.stack ?? "")?.[0].trim() ?? "";
  const text = JSON.stringify([kind, owner, place, error.name, generalize(error.message), frame]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
