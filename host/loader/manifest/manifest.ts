/**
 * Parses plugin.json, and reports what is wrong with it.
 * @module
 */

import { Cron } from "croner";
import { z } from "zod";
import { describeIssues } from "../../config/describe_issues.ts";
import { isRecord } from "../../../runtime/is_record.ts";
import { type ConfigField, FIELD_TYPES, type Manifest, type PublicJob } from "../plugin.ts";

/** A plugin.json that cannot be used. The message lists every problem, one per line. */
export class ManifestError extends Error {
  override name = "ManifestError";
}

const fieldSchema = z.object({
  key: z.string().min(1).optional(),
  name: z.string().optional(),
  type: z.enum(FIELD_TYPES).optional(),
  default: z.unknown().optional(),
  hint: z.string().optional(),
  markdown: z.string().optional(),
  order: z.number().optional(),
  required: z.boolean().optional(),
  secret: z.boolean().optional(),
  choices: z.array(z.string()).optional(),
  visible_if: z.unknown().optional(),
  required_if: z.unknown().optional(),
}).superRefine((field, issues) => {
  if (field.type !== "choice" || field.choices?.length) return;
  issues.addIssue({ code: "custom", path: ["choices"], message: "found none, expected a list of strings" });
});

const publicJobSchema = z.object({
  payload: z.record(
    z.string(),
    z.object({
      type: z.string(),
      required: z.boolean().optional(),
      title: z.string().optional(),
      default: z.unknown().optional(),
      staff_only: z.boolean().optional(),
    }),
  ).default({}),
});

const cronSchema = z.string().superRefine((expression, issues) => {
  try {
    new Cron(expression, { paused: true, timezone: "UTC" });
  } catch (error) {
    issues.addIssue({
      code: "custom",
      message: `found ${JSON.stringify(expression)}, expected a cron expression (${(error as Error).message})`,
    });
  }
});

/** What a plugin.json should look like: editors check it, and authors are told about deviations. */
export const manifestSchema = z.object({
  name: z.string().optional(),
  description: z.string().default(""),
  url: z.string().optional(),
  main: z.string().min(1).optional(),
  config: z.preprocess(fieldList, z.array(fieldSchema)).default([]),
  publicJobs: z.record(z.string(), publicJobSchema).nullish(),
  schedule: z.record(z.string(), cronSchema).default({}),
});

const text = z.string().optional().catch(undefined);
const flag = z.unknown().transform(Boolean).optional();
const objects = z.array(z.unknown()).transform((list) => list.filter(isRecord)).catch([]);

const readField = z.object({
  key: z.string().min(1).optional().catch(undefined),
  name: text,
  type: z.enum(FIELD_TYPES).optional().catch("string"),
  default: z.unknown().optional(),
  hint: text,
  markdown: text,
  order: z.number().optional().catch(undefined),
  required: flag,
  secret: flag,
  choices: z.array(z.unknown()).transform((list) => list.filter((choice) => !isObject(choice)).map(String)).optional()
    .catch(undefined),
  visible_if: z.unknown().optional(),
  required_if: z.unknown().optional(),
});

const readPublicJob = z.object({
  payload: z.record(
    z.string(),
    z.object({
      type: z.string().catch("string"),
      required: flag,
      title: text,
      default: z.unknown().optional(),
      staff_only: flag,
    }).catch({ type: "string", required: undefined, title: undefined, staff_only: undefined }),
  ).catch({}),
}).catch({ payload: {} });

/**
 * How a plugin.json is read. PostHog accepted any JSON object, and plugins rely on that. Fields that only a form shows,
 * or that are malformed, are therefore read as well as possible. `schedule` is our own and validated strictly.
 */
const readManifest = z.object({
  name: z.union([z.string(), z.number().transform(String)]).optional().catch(undefined),
  description: z.string().catch(""),
  url: text,
  main: z.string().min(1).optional().catch(undefined),
  config: z.preprocess(fieldList, objects.pipe(z.array(readField))),
  publicJobs: z.record(z.string(), readPublicJob).catch({}),
  schedule: z.record(z.string(), cronSchema).nullish().transform((schedule) => schedule ?? {}),
});

/** Parses the text of a plugin.json; `fallbackName` is used when it has no name. Throws ManifestError. */
export function parseManifest(text: string, fallbackName: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new ManifestError(`plugin.json is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = readManifest.safeParse(json);
  if (!parsed.success) throw new ManifestError(describeIssues(parsed.error, json).join("\n"));
  const { name, url, main, config, description, publicJobs, schedule } = parsed.data;
  const meant = manifestSchema.safeParse(json);
  return {
    name: name || fallbackName,
    description,
    ...(url === undefined ? {} : { url }),
    ...(main === undefined ? {} : { main }),
    config: config.map((field) => withoutUndefined<ConfigField>(field)),
    publicJobs: Object.fromEntries(
      Object.entries(publicJobs).map(([job, { payload }]) => [job, {
        payload: Object.fromEntries(
          Object.entries(payload).map(([key, field]) => [key, withoutUndefined<PublicJob["payload"][string]>(field)]),
        ),
      }]),
    ),
    schedule,
    ...(meant.success ? {} : { warnings: describeIssues(meant.error, json) }),
  };
}

/** The manifest of a plugin without plugin.json, which PostHog allowed. */
export function emptyManifest(name: string): Manifest {
  return { name, description: "", config: [], publicJobs: {}, schedule: {} };
}

/**
 * The configured values, with the declared defaults for absent keys. A key with the value `""` or null is not absent.
 */
export function mergeDefaults(manifest: Manifest, config: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...config };
  for (const field of manifest.config) {
    if (field.key === undefined || field.default === undefined || field.type === "attachment") continue;
    if (!Object.hasOwn(merged, field.key)) {
      Object.defineProperty(merged, field.key, {
        value: structuredClone(field.default),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
  }
  return merged;
}

/** Converts the object form to the array form: sorted by `order`, with missing and 0 last, as in PostHog. */
function fieldList(config: unknown): unknown {
  if (config === null || config === undefined) return [];
  if (typeof config !== "object" || Array.isArray(config)) return config;
  const rank = (field: unknown) => Number((field as { order?: unknown } | null)?.order) || 999_999;
  return Object.entries(config)
    .sort(([, a], [, b]) => rank(a) - rank(b))
    .map(([key, field]) => typeof field === "object" && field !== null ? { key, ...field } : field);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function withoutUndefined<T>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
