/**
 * Parts that the API's schemas share.
 * @module
 */

import { z } from "zod";
import { isRecord } from "../../runtime/is_record.ts";
import type { PluginConfigRecord } from "../store/store.ts";

/** A page of a list, newest first unless said otherwise. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({
    results: z.array(item),
    next: z.string().nullable().describe("What to give for the following page; null when this is the last one."),
  });
}

/** The query of a list held in memory, whose pages are counted from its beginning. */
export function pageIn(usual: number) {
  return {
    limit: limitUpTo(500, usual),
    next: z.string().regex(/^\d{0,9}$/, "expected `next` of the page before").optional(),
  };
}

/** A page of a list. */
export function pageOf<T>(
  all: readonly T[],
  { limit, next }: { limit: number; next?: string | undefined },
): { results: T[]; next: string | null } {
  const from = Number(next || 0);
  const to = from + limit;
  return { results: all.slice(from, to), next: to < all.length ? String(to) : null };
}

/** Milliseconds since the epoch, output in ISO 8601. */
export const timeOut = z.number().transform((time) => new Date(time).toISOString()).pipe(z.iso.datetime());

/** How many results a page may hold; a larger request gets `most`. */
export function limitUpTo(most: number, usual: number) {
  return z.coerce.number("expected a number").int("expected a whole number").min(1).default(usual)
    .transform((limit) => Math.min(limit, most)).describe(`At most ${most}.`);
}

/** A number in a path or query. */
export const idIn = z.coerce.number("expected a number").int("expected a whole number");

/** A time in a query, in ISO 8601 or in milliseconds since the epoch. */
export const timeIn = z.string().meta({ examples: ["2026-01-20T12:00:00Z", "1768910400000"] }).transform(
  (text, issues) => {
    const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
    if (!Number.isNaN(time)) return time;
    issues.addIssue({ code: "custom", message: "expected a time in ISO 8601 or milliseconds since the epoch" });
    return z.NEVER;
  },
);

export const errorRecordOut = z.object({
  name: z.string(),
  message: z.string(),
  stack: z.string().optional(),
  at: timeOut,
  event: z.object({ uuid: z.string().optional(), event: z.string().optional(), distinct_id: z.string().optional() })
    .optional().describe("Which event the plugin was given; all of it is in the sample of `/errors`."),
});

/** Without the fields that only the store needs. */
export function showErrorRecord(error: NonNullable<PluginConfigRecord["lastError"]>): z.input<typeof errorRecordOut> {
  const { name, message, stack, at, event } = error;
  const text = (key: string) => isRecord(event) && typeof event[key] === "string" ? { [key]: event[key] } : {};
  return {
    name,
    message,
    at,
    ...(stack !== undefined && { stack }),
    ...(isRecord(event) && { event: { ...text("uuid"), ...text("event"), ...text("distinct_id") } }),
  };
}

/** The answer of operations that have nothing else to report. */
export const doneOut = z.object({ status: z.literal("ok") });
export const DONE = { status: "ok" } as const;
