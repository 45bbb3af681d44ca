/**
 * Checks what came out of a cell before a service uses it. The sandbox checks what plugins pass and words those errors; what fails here was not
 * sent by our sandbox code, or is too large.
 * @module
 */

import { z } from "zod";

/** The arguments as the schema knows them; throws a TypeError that names the call and the argument. */
export function checkArguments<T>(service: string, schema: z.ZodType<T>, args: unknown[]): T {
  const result = schema.safeParse(args);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = typeof issue?.path[0] === "number" ? `argument ${issue.path[0] + 1}: ` : "";
  throw new TypeError(`Cannot call ${service}: ${where}${issue?.message ?? "unexpected arguments"}`);
}

/** A string of at most `max` characters; the message names it. */
export function text(what: string, max: number): z.ZodString {
  return z.string(`expected ${what} to be a string`).max(max, `expected ${what} of at most ${max} characters`);
}

/** Characters of arguments, for what is counted by size: of texts, of lists of texts, and of anything else as JSON. */
export function sizeOf(args: unknown[]): number {
  let chars = 0;
  for (const arg of args) {
    if (typeof arg === "string") chars += arg.length;
    else if (Array.isArray(arg)) chars += sizeOf(arg);
    else if (typeof arg === "object" && arg !== null) chars += JSON.stringify(arg).length;
  }
  return chars;
}
