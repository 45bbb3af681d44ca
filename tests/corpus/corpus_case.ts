/**
 * A case of the corpus: what a plugin is given and what must come of it. docs/CORPUS.md says what each field means.
 * @module
 */

import { z } from "zod";

const json = z.unknown();
const event = z.record(z.string(), json);
const properties = z.record(z.string(), json);
const headers = z.record(z.string(), z.coerce.string());

const expectation = z.union([
  z.null(),
  z.strictObject({ set: z.record(z.string(), json), unset: z.array(z.string()) }),
  z.strictObject({ throws: z.string() }),
  z.strictObject({ returns: json }),
]);

const fetchRule = z.object({
  url: z.string().optional(),
  prefix: z.string().optional(),
  method: z.string().optional(),
  times: z.number().optional(),
  status: z.number().optional(),
  statusText: z.string().optional(),
  headers: headers.optional(),
  json: json.optional(),
  body: z.string().optional(),
  text: z.string().optional(),
  network_error: z.string().optional(),
});

const step = z.object({
  event: event.optional(),
  events: z.array(event).optional(),
  run: z.string().optional(),
  job: z.string().optional(),
  payload: json.optional(),
  advance_seconds: z.number().optional(),
  random: z.number().optional(),
});

const expectedFetch = z.object({
  method: z.string(),
  url: z.string(),
  headers: headers.optional(),
  json: json.optional(),
  body: z.string().optional(),
});

const expectedJob = z.object({
  job: z.string(),
  payload: json.optional(),
  how: z.enum(["runNow", "runIn", "runAt"]),
  duration: z.number().optional(),
  unit: z.string().optional(),
  at: z.union([z.string(), z.number()]).optional(),
  date: z.union([z.string(), z.number()]).optional(),
});

const attachment = z.object({
  content_type: z.string(),
  file_name: z.string(),
  contents: json.optional(),
  file: z.string().optional(),
});

const corpusCase = z.object({
  id: z.string(),
  plugin: z.string(),
  main: z.string().optional(),
  load: z.enum(["bundle"]).optional(),
  fn: z.string().default("processEvent"),
  config: z.record(z.string(), json).default({}),
  attachments: z.record(z.string(), attachment).default({}),
  geoip: z.record(z.string(), json).default({}),
  fetch: z.array(fetchRule).default([]),
  now: z.string().default("2021-01-20T12:00:00.000Z"),
  random: z.number().default(0.5),
  storage: z.record(z.string(), json).default({}),
  cache: z.record(z.string(), json).default({}),
  events: z.array(event).optional(),
  steps: z.array(step).optional(),
  expect: z.array(expectation),
  expect_setup: z.strictObject({ throws: z.string() }).optional(),
  expect_fetch: z.array(expectedFetch).default([]),
  expect_captured: z.array(z.object({ event: z.string(), properties: properties.optional() })).default([]),
  expect_jobs: z.array(expectedJob).default([]),
  expect_metrics: z.union([z.array(z.union([z.array(json), z.record(z.string(), json)])), z.record(z.string(), json)])
    .optional(),
  expect_storage: z.record(z.string(), json).optional(),
  expect_cache: z.record(z.string(), json).optional(),
  expect_log: z.array(z.array(z.coerce.string())).optional(),
});

export type CorpusCase = z.infer<typeof corpusCase>;
export type Expectation = z.infer<typeof expectation>;
export type CorpusStep = z.infer<typeof step>;

/** A case that is not of this format: it fails, the others are run. */
export interface UnreadableCase {
  id: string;
  unreadable: string;
}

/** Reads a file of cases. */
export async function readCases(path: string): Promise<(CorpusCase | UnreadableCase)[]> {
  const cases: unknown = JSON.parse(await Deno.readTextFile(path));
  if (!Array.isArray(cases)) throw new TypeError(`Cannot read cases from ${path}: expected a list`);
  return cases.map((given, index) => {
    const result = corpusCase.safeParse(given);
    if (result.success) return result.data;
    const id = String((given as { id?: unknown } | null)?.id ?? `case ${index}`);
    return { id, unreadable: z.prettifyError(result.error).replaceAll(/\s*\n\s*/g, " ") };
  });
}
