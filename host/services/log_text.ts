/**
 * Prepares a plugin's log message for storage: short enough, and text that every store accepts.
 * @module
 */

/** A high surrogate without its low one, or a low one without its high one. */
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Longer messages are cut and end in a note that says so. */
export function formLogText(message: string, maxChars: number): string {
  if (message.length <= maxChars) return escapeUnstorable(message);
  const mark = `… (cut: only ${maxChars} characters are kept)`;
  return escapeUnstorable(message.slice(0, Math.max(0, maxChars - mark.length))) + mark;
}

/** Lone surrogates are escaped as in PostHog, and so is NUL, which Postgres does not store. */
export function escapeUnstorable(message: string): string {
  if (message.isWellFormed() && !message.includes("\0")) return message;
  return message
    .replace(LONE_SURROGATE, (character) => `\\u${character.charCodeAt(0).toString(16)}\\`)
    .replaceAll("\0", "\\u0000");
}
