/**
 * Compares what a plugin did besides returning something, over a whole case: requests, captured events, jobs, storage,
 * cache, log.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { type FixturePlugin, PLUGIN_CONFIG_ID } from "../../testing/fixture_plugin.ts";
import type { FetchedRequest } from "../../runtime/protocol.ts";
import type { CorpusCase } from "./corpus_case.ts";
import { ownHeaders } from "./own_headers.ts";

/** The sandbox gathers lines for up to 50 ms. */
const LOG_MS = 200;

/** Empty when all is as expected. */
export async function checkEffects(plugin: FixturePlugin, given: CorpusCase): Promise<string[]> {
  return [
    ...checkFetched(plugin.fetched, given.expect_fetch),
    ...checkList(
      "captured",
      plugin.captured,
      given.expect_captured.map(({ event, properties = {} }) => ({ event, properties })),
    ),
    ...checkJobs(plugin, given),
    ...await checkStorage(plugin, given),
    ...await checkCache(plugin, given),
    ...await checkLog(plugin, given),
    ...checkMetrics(plugin, given),
  ];
}

function checkFetched(found: FetchedRequest[], expected: CorpusCase["expect_fetch"]): string[] {
  const count = Math.max(found.length, expected.length);
  return Array.from({ length: count }, (_, index) => checkRequest(index, found[index], expected[index])).flat();
}

function checkRequest(
  index: number,
  found: FetchedRequest | undefined,
  expected: CorpusCase["expect_fetch"][number] | undefined,
): string[] {
  const what = `fetch ${index}`;
  if (found === undefined) return [`${what}: nothing was fetched, expected ${expected?.method} ${expected?.url}`];
  if (expected === undefined) return [`${what}: ${found.method} ${found.url} was fetched, expected nothing`];
  const lines: string[] = [];
  const url = URL.canParse(expected.url) ? new URL(expected.url).href : expected.url;
  if (found.method !== expected.method || found.url !== url) {
    lines.push(`${what}: ${found.method} ${found.url}, expected ${expected.method} ${expected.url}`);
  }
  const wanted = Object.fromEntries(
    Object.entries(expected.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const),
  );
  const headers = ownHeaders(found.headers, Object.keys(wanted));
  if (!isDeepStrictEqual(headers, wanted)) lines.push(`${what}: headers ${show(headers)}, expected ${show(wanted)}`);
  const isJson = "json" in expected;
  const body = isJson ? parse(found.body ?? "") : found.body ?? undefined;
  const wantedBody = isJson ? expected.json : expected.body;
  if (!isDeepStrictEqual(body, wantedBody)) lines.push(`${what}: body ${show(body)}, expected ${show(wantedBody)}`);
  return lines;
}

function checkJobs({ enqueued }: FixturePlugin, { expect_jobs }: CorpusCase): string[] {
  const expected = expect_jobs.map(({ job, payload, how, duration = 0, unit = "", at, date }, index) => {
    const enqueuedAt = enqueued[index]?.enqueuedAt ?? 0;
    const delayMs = how === "runIn" ? duration * unitMs(unit) : 0;
    const runAt = how === "runAt" ? new Date(at ?? date ?? NaN).getTime() : enqueuedAt + delayMs;
    return { job, payload: payload ?? undefined, runAt };
  });
  return checkList("jobs", enqueued.map(({ job, payload, runAt }) => ({ job, payload, runAt })), expected);
}

const UNITS: Record<string, number> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  quarter: 91 * 86_400_000,
  year: 365 * 86_400_000,
};

function unitMs(unit: string): number {
  return UNITS[unit.replace(/s$/, "")] ?? NaN;
}

async function checkStorage({ services }: FixturePlugin, { expect_storage }: CorpusCase): Promise<string[]> {
  if (expect_storage === undefined) return [];
  const stored = await services.store.storage.all(PLUGIN_CONFIG_ID);
  return checkMap(
    "storage",
    Object.fromEntries(Object.entries(stored).map(([key, text]) => [key, parse(text)])),
    expect_storage,
  );
}

async function checkCache({ cache }: FixturePlugin, { expect_cache }: CorpusCase): Promise<string[]> {
  if (expect_cache === undefined) return [];
  const prefix = `@plugin/${PLUGIN_CONFIG_ID}/2/`;
  const found = [...await cache.contents()].map(([key, { value, ttlLeft }]) =>
    [key.slice(prefix.length), {
      value: typeof value === "string" ? parse(value) : value,
      ...(ttlLeft === null ? {} : { ttl_left: ttlLeft }),
    }] as const
  );
  const expected = Object.entries(expect_cache).map(([key, entry]) =>
    [key, typeof entry === "object" && entry !== null && "value" in entry ? entry : { value: entry }] as const
  );
  return checkMap("cache", Object.fromEntries(found), Object.fromEntries(expected));
}

/** A list names every operation with its name and number; an object has the number that each metric came to. */
function checkMetrics({ measured, services }: FixturePlugin, { expect_metrics = [] }: CorpusCase): string[] {
  if (!Array.isArray(expect_metrics)) {
    const totals = services.metrics.list().map(({ name, value }) => [name, value] as const);
    return checkMap("metrics", Object.fromEntries(totals), expect_metrics);
  }
  const expected = expect_metrics.map((entry) => Object.values(entry as object).map(String).toSorted());
  return checkList("metrics", measured.map((entry) => entry.map(String).toSorted()), expected);
}

async function checkLog({ logs }: FixturePlugin, { expect_log = [] }: CorpusCase): Promise<string[]> {
  if (expect_log.length > 0) await new Promise((resolve) => setTimeout(resolve, LOG_MS));
  const found = logs.filter(({ source }) => source === "CONSOLE").map(({ type, message }) =>
    `${type.toLowerCase()} ${message}`
  );
  const missing = expect_log.map((entry) => entry.join(" ")).filter((line) => !found.includes(line));
  return missing.map((line) => `log: ${show(line)} was not among ${show(found)}`);
}

function checkList(what: string, found: unknown[], expected: unknown[]): string[] {
  return isDeepStrictEqual(found, expected) ? [] : [`${what}: ${show(found)}, expected ${show(expected)}`];
}

/** The order of keys says nothing. */
function checkMap(what: string, found: Record<string, unknown>, expected: Record<string, unknown>): string[] {
  return isDeepStrictEqual(found, { ...expected }) ? [] : [`${what}: ${show(found)}, expected ${show(expected)}`];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
