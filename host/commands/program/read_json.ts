/**
 * Reads the JSON files that are passed to commands.
 * @module
 */

import type { z } from "zod";
import { describeIssues } from "../../config/describe_issues.ts";
import { CommandError, EXIT_USAGE } from "./terminal.ts";

/** Reads the file and checks its content against the schema. Rejects with a CommandError. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = path === "-" ? await new Response(Deno.stdin.readable).text() : await Deno.readTextFile(path);
  } catch (cause) {
    throw new CommandError(`Cannot read ${path}: there is no such file`, EXIT_USAGE, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new CommandError(`Cannot read ${path} as JSON: ${(cause as Error).message}`, EXIT_USAGE, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new CommandError(`Cannot use ${path}:\n${describeIssues(parsed.error, json).join("\n")}`, EXIT_USAGE);
}
