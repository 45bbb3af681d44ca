/**
 * Schemas of everything that a cell may say. Every JSON text that comes out of a cell passes through here before
 * anything else looks at it.
 * @module
 */

import { z } from "zod";
import { METHODS } from "../../../runtime/capabilities.ts";
import type { ErrorRecord } from "../../../runtime/errors.ts";
import { SERVICES } from "../../../runtime/protocol.ts";
import { MAX_DEPTH, MAX_ERROR_NAME, MAX_ERROR_TEXT, MAX_LOG_ENTRIES, MAX_VALUES } from "./cell_limits.ts";
import { findExcess } from "./json_depth.ts";

/** A cell sent something that no sandbox sends, and is ended for it. */
export class CellProtocolError extends Error {
  override name = "CellProtocolError";
}

const index = z.int().min(0);

const errorText = z.string().transform((text) => text.slice(0, MAX_ERROR_TEXT));

export const errorSchema = z
  .object({
    name: z.string().transform((text) => text.slice(0, MAX_ERROR_NAME)),
    message: errorText,
    stack: errorText.optional(),
    retry: z.boolean(),
  })
  .transform(({ stack, ...error }): ErrorRecord => stack === undefined ? error : { ...error, stack });

const names = z.array(z.string().max(1000)).max(1000);

const capabilities = z.object({
  methods: z.array(z.enum(METHODS)).max(METHODS.length),
  scheduled_tasks: names,
  jobs: names,
});

export const loadResultSchema = z.object({
  plugins: z.array(z.union([z.object({ capabilities }), z.object({ error: errorSchema })])),
});

export const answerSchema = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), value: z.unknown().optional() }),
  z.object({ ok: z.literal(false), error: errorSchema }),
]);

export const serviceRequestSchema = z.object({
  plugin: index,
  name: z.enum(SERVICES),
  args: z.array(z.unknown()).max(10),
  cause: z.object({ id: index, event: index.optional() }).optional(),
});

export const logBatchSchema = z.object({
  entries: z.array(z.object({
    plugin: index,
    source: z.enum(["CONSOLE", "PLUGIN"]),
    type: z.enum(["DEBUG", "LOG", "INFO", "WARN", "ERROR"]),
    message: z.string(),
    at: z.number(),
  })).max(MAX_LOG_ENTRIES),
  dropped: z.array(index).max(MAX_LOG_ENTRIES),
  requests: z.array(z.object({
    method: z.string(),
    url: z.string(),
    headers: z.array(z.tuple([z.string(), z.string()])),
    body: z.string().nullable(),
  })).max(MAX_LOG_ENTRIES).exactOptional(),
});

export const batchResultSchema = z.object({
  outcomes: z.array(z.string()),
  errors: z.array(z.object({ event: index, plugin: index, error: errorSchema })),
  lengths: z.array(z.int().min(-1)),
  spent: z.array(z.number().min(0)).optional(),
});

const decoder = new TextDecoder();

/** The JSON value of a payload, of the shape that its kind of frame has. */
export function readMessage<T>(what: string, schema: z.ZodType<T>, payload: Uint8Array): T {
  return checkMessage(what, schema, parse(what, payload));
}

/** A value that was parsed already. */
export function checkMessage<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new CellProtocolError(`Cannot read ${what}: ${issue?.message} at ${issue?.path.join(".") || "the top"}`);
}

/** Refuses a JSON text that would take too long to parse, or is too deep for those who walk through it. */
export function checkValues(what: string, json: Uint8Array): void {
  if (hasTooManyValues(json)) throw new CellProtocolError(`Cannot read ${what}: it has too many values`);
}

/** Also true when they are nested too deeply. A short text cannot have too many. */
export function hasTooManyValues(json: Uint8Array): boolean {
  return json.byteLength > MAX_DEPTH && findExcess({ levels: MAX_DEPTH, values: MAX_VALUES }, json) !== null;
}

function parse(what: string, payload: Uint8Array): unknown {
  checkValues(what, payload);
  try {
    return JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new CellProtocolError(`Cannot read ${what}: it is not JSON`, { cause });
  }
}
