/**
 * Validates arguments from a cell before a service uses them. The sandbox already checks what plugins pass and words
 * those errors, so what fails here was not sent by the sandbox code, or is too large.
 * @module
 */

import { z } from "zod";

/** The arguments, typed by the schema. Throws a TypeError that names the call and the argument. */
export function checkArguments<T>(service: string, schema: z.ZodType<T>, args: unknown[]): T {
  const result = schema.safeParse(args);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = typeof issue?.path[0] === "number" ? `argument ${issue.path[0] + 1}: ` : "";
  throw new TypeError(`Cannot call ${service}: ${where}${issue?.message ?? "unexpected arguments"}`);
}

/** A string of at most `max` characters; `what` names it in the error. */
export function text(what: string, max: number): z.ZodString {
  return z.string(`expected ${what} to be a string`).max(max, `expected ${what} of at most ${max} characters`);
}

/** The size of arguments in characters: of strings, of lists of strings, and of anything else as JSON. */
export function sizeOf(args: unknown[]): number {
  let chars = 0;
  for (const arg of args) {
    if (typeof arg === "string") chars += arg.length;
    else if (Array.isArray(arg)) chars += sizeOf(arg);
    else if (typeof arg === "object" && arg !== null) chars += JSON.stringify(arg).length;
  }
  return chars;
}
