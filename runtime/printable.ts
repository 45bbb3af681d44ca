/**
 * Makes text from plugins, SDKs and servers safe for a terminal or a log file. The result cannot move the cursor,
 * change the window's title, reverse the direction of writing, or begin a line that looks like one of Hogpen's.
 * @module
 */

/**
 * Control characters but tab and line feed, those that separate lines elsewhere, and those that turn the direction of
 * writing.
 */
// deno-lint-ignore no-control-regex -- they are what is looked for
const UNPRINTABLE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** The text with such characters written as escapes like `\u001b`. JSON keeps its meaning. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, writtenOut);
}

/** The same, with every line but the first indented, so that the text is recognisable as one message. */
export function printableMessage(text: string): string {
  return printable(text.trimEnd()).replaceAll("\n", "\n    ");
}

function writtenOut(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
