/**
 * plugin.json: what is accepted, and what is said about a file that is not.
 * @module
 */

import { Cron } from "croner";
import { z } from "zod";
import { describeIssues } from "../../config/describe_issues.ts";
import type { ConfigField, Manifest, PublicJob } from "../plugin.ts";

/** A plugin.json that cannot be used; the message lists every problem, a line each. */
export class ManifestError extends Error {
  override name = "ManifestError";
}

/** Attributes that only a form shows may be anything in PostHog; the odd ones are left out rather than refused. */
const shown = z.string().optional().catch(undefined);

const fieldSchema = z.object({
  key: z.string().min(1).optional(),
  name: shown,
  type: z.enum(["string", "attachment", "choice", "json"]).optional(),
  default: z.unknown().optional(),
  hint: shown,
  markdown: shown,
  order: z.number().optional().catch(undefined),
  required: z.boolean().optional().catch(undefined),
  secret: z.boolean().optional(),
  choices: z.array(z.string()).optional(),
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

export const manifestSchema = z.object({
  name: z.string().optional(),
  description: z.string().default(""),
  url: shown,
  main: z.string().min(1).optional(),
  config: z.preprocess(fieldList, z.array(fieldSchema)).default([]),
  publicJobs: z.record(z.string(), publicJobSchema).default({}),
  schedule: z.record(z.string(), cronSchema).default({}),
});

/** Reads the text of a plugin.json; `fallbackName` is used when it has no name. Throws ManifestError. */
export function parseManifest(text: string, fallbackName: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new ManifestError(`plugin.json is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw new ManifestError(describeIssues(parsed.error, json).join("\n"));
  const { name, url, main, config, description, publicJobs, schedule } = parsed.data;
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
  };
}

/** The manifest of a plugin that has no plugin.json, which PostHog allowed. */
export function emptyManifest(name: string): Manifest {
  return { name, description: "", config: [], publicJobs: {}, schedule: {} };
}

/** The configured values with the declared defaults of absent keys. A key stored as `""` or null is not absent. */
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

/** The object form becomes the array form: sorted by `order`, where missing and 0 come last, as in PostHog. */
function fieldList(config: unknown): unknown {
  if (config === null) return [];
  if (typeof config !== "object" || Array.isArray(config)) return config;
  const rank = (field: unknown) => Number((field as { order?: unknown } | null)?.order) || 999_999;
  return Object.entries(config)
    .sort(([, a], [, b]) => rank(a) - rank(b))
    .map(([key, field]) => typeof field === "object" && field !== null ? { key, ...field } : field);
}

function withoutUndefined<T>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
