/**
 * The test kit for plugins, `hogpen/testing`: runs a plugin as the service does, by the same loader and in the same
 * sandbox, with a clock, an internet and randomness that the test decides on.
 *
 *     import assert from "node:assert/strict";
 *     import { startPlugin } from "hogpen/testing";
 *
 *     Deno.test("the plugin greets", async () => {
 *       await using plugin = await startPlugin(import.meta.dirname, { config: { greeting: "hi" } });
 *       const event = await plugin.processEvent({ event: "signed up" });
 *       assert.equal(event?.properties.greeting, "hi");
 *     });
 * @module
 */

import { loadPlugin } from "../host/loader/load_plugin.ts";
import { mergeDefaults } from "../host/loader/manifest/manifest.ts";
import type { Capabilities } from "../runtime/capabilities.ts";
import type { ErrorRecord } from "../runtime/errors.ts";
import { type BatchFunction, Outcome } from "../runtime/protocol.ts";
import {
  type CapturedEvent,
  type EnqueuedJob,
  type EventOutcome,
  type FixturePlugin,
  type LogLine,
  PLUGIN_CONFIG_ID,
  startFixturePlugin,
} from "./fixture_plugin.ts";
import type { FetchedRequest } from "../runtime/protocol.ts";
import type { FetchRule } from "./sandbox/fetch_fixture.ts";
import { sampleEvent } from "./sample_event.ts";

export type { CapturedEvent, EnqueuedJob, EventOutcome, FetchedRequest, FetchRule, LogLine };

/** An event as a plugin gets it. */
export interface PluginEvent {
  uuid: string;
  event: string;
  distinct_id: string;
  team_id: number;
  ip: string | null;
  site_url: string | null;
  now: string;
  timestamp: string;
  // deno-lint-ignore no-explicit-any -- a test reads properties of any shape, and asserts what they are
  properties: Record<string, any>;
  [field: string]: unknown;
}

/** Fields that are left out have a default. */
export type EventInput = Record<string, unknown>;

export interface StartOptions {
  /** Values of the configuration; the defaults of plugin.json fill in what is left out. */
  config?: Record<string, unknown>;
  attachments?: Record<string, { content_type: string; file_name: string; contents: Uint8Array }>;
  /**
   * The internet: the first rule that fits answers, and a request that none fits fails.
   *
   *     fetch: [{ url: "https://api.example.com/users", method: "POST", status: 201, json: { id: 1 } },
   *             { prefix: "https://rates.example.com/", times: 1, network_error: "connection reset" }]
   */
  fetch?: readonly FetchRule[];
  /** City responses of `meta.geoip.locate` by address. */
  geoip?: Record<string, unknown>;
  /** What the clock shows first, in milliseconds since the epoch; {@linkcode NOW} when absent. */
  now?: number;
  /** What Math.random returns, 0.5 when absent. */
  random?: number;
  /** What is in the storage before setupPlugin. */
  storage?: Record<string, unknown>;
  /** What is in the cache before setupPlugin. */
  cache?: Record<string, unknown>;
  /** Milliseconds that a call may take; 30,000 when absent. */
  deadlineMs?: number;
}

export interface StartedPlugin extends AsyncDisposable {
  /** What it exports that the service calls. */
  readonly capabilities: Capabilities;
  /** The values of its configuration, with the defaults of plugin.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Requests that it made, oldest first: `assert.deepEqual(plugin.fetched.map(({ url }) => url), [API])`. */
  readonly fetched: FetchedRequest[];
  /** What it gave to `posthog.capture`: `assert.equal(plugin.captured[0]?.event, "derived")`. */
  readonly captured: CapturedEvent[];
  /** Jobs that it enqueued, whether they are due or not: `assert.equal(plugin.jobs[0]?.job, "send")`. */
  readonly jobs: EnqueuedJob[];
  /** What it wrote to its console: `assert.match(plugin.logs[0]?.message ?? "", /^Sent/)`. */
  readonly logs: LogLine[];

  /**
   * The event that came out, or null when the plugin dropped it. Rejects with what it threw.
   *
   *     assert.equal(await plugin.processEvent({ event: "noise" }), null);
   */
  processEvent(event?: EventInput): Promise<PluginEvent | null>;
  /**
   * What became of an event's properties.
   *
   *     assert.deepEqual(await plugin.propertiesOf({ price: "3" }), { price: 3 });
   */
  propertiesOf(properties: EventInput): Promise<Record<string, unknown>>;
  /**
   * Gives an event to onEvent, as a consumer would. Rejects with what the plugin threw.
   *
   *     await plugin.onEvent({ event: "order", properties: { total: 5 } });
   */
  onEvent(event?: EventInput): Promise<void>;
  /**
   * Gives events to exportEvents in one batch. Rejects with what the plugin threw, a RetryError among others.
   *
   *     await plugin.exportEvents([{ event: "a" }, { event: "b" }]);
   */
  exportEvents(events: EventInput[]): Promise<void>;
  /**
   * Gives events in one batch to the function, and says what became of each; nothing is thrown.
   *
   *     const [first] = await plugin.batch("processEvent", [{ event: "a", distinct_id: "1", team_id: 2 }]);
   *     assert.equal(first?.error?.message, "no such user");
   */
  batch(fn: BatchFunction, events: EventInput[]): Promise<EventOutcome[]>;
  /**
   * Runs a scheduled task now, whatever the clock shows. Rejects with what it threw.
   *
   *     await plugin.run("runEveryHour");
   */
  run(task: string): Promise<void>;
  /**
   * Runs a job now. Rejects with what it threw.
   *
   *     await plugin.runJob("send", { user: 7 });
   */
  runJob(job: string, payload?: unknown): Promise<void>;
  /**
   * Runs the enqueued jobs that are due by the clock, and those that these enqueue and that are due as well. Gives how
   * many ran.
   *
   *     plugin.advance(60_000);
   *     assert.equal(await plugin.runDueJobs(), 1);
   */
  runDueJobs(): Promise<number>;
  /**
   * Moves the clock of sandbox, cache and jobs; scheduled tasks do not run by themselves.
   *
   *     plugin.advance(24 * 3600 * 1000);
   */
  advance(milliseconds: number): void;
  /**
   * Decides what Math.random returns from now on.
   *
   *     plugin.setRandom(0.99);
   */
  setRandom(random: number): void;
  /**
   * What the plugin has stored.
   *
   *     assert.deepEqual(await plugin.storage(), { seen: 3 });
   */
  storage(): Promise<Record<string, unknown>>;
  /**
   * What is in the plugin's cache, a list as an array of its texts.
   *
   *     assert.deepEqual(await plugin.cache(), { token: "abc" });
   */
  cache(): Promise<Record<string, unknown>>;
  /** Ends the sandbox; teardownPlugin runs first. `await using` does it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a plugin threw, with its own name. */
export class PluginThrew extends Error {
  constructor(readonly record: ErrorRecord) {
    super(record.message);
    this.name = record.name;
  }
}

/** The time that plugins see first. */
export const NOW: number = Date.UTC(2021, 0, 20, 12);

const CACHE_PREFIX = `@plugin/${PLUGIN_CONFIG_ID}/2/`;

/**
 * Loads the plugin in the folder and sets it up. Rejects with what is wrong with it, or with what setupPlugin threw.
 *
 *     await using plugin = await startPlugin(import.meta.dirname);
 *     await using other = await startPlugin({ inline: "export function processEvent(event) { return event }" });
 */
export async function startPlugin(
  source: string | { inline: string; name?: string } | undefined,
  options: StartOptions = {},
): Promise<StartedPlugin> {
  const loaded = await loadPlugin(source ?? "");
  const config = mergeDefaults(loaded.manifest, options.config ?? {});
  const plugin = await startFixturePlugin({
    now: options.now ?? NOW,
    random: options.random ?? 0.5,
    plugin: loaded,
    config,
    ...(options.attachments && { attachments: options.attachments }),
    ...(options.fetch && { fetch: options.fetch }),
    ...(options.geoip && { geoip: options.geoip }),
    ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
  });
  try {
    await fill(plugin, options);
    if (plugin.capabilities.methods.includes("setupPlugin")) await call("method", "setupPlugin");
  } catch (error) {
    await plugin[Symbol.asyncDispose]();
    throw error;
  }
  const due = new Set<EnqueuedJob>();

  /** With places in the plugin's own files. */
  function mapped(record: ErrorRecord): ErrorRecord {
    return record.stack === undefined ? record : { ...record, stack: loaded.mapStack(record.stack) };
  }

  async function call(type: "method" | "task" | "job", name: string, payload?: unknown): Promise<void> {
    const answer = await plugin.call(type, name, payload);
    await plugin.settled();
    if (!answer.ok) throw new PluginThrew(mapped(answer.error));
  }

  async function batch(fn: BatchFunction, events: EventInput[]): Promise<EventOutcome[]> {
    const outcomes = await plugin.batch(fn, events);
    await plugin.settled();
    return outcomes.map((outcome) => outcome.error === null ? outcome : { ...outcome, error: mapped(outcome.error) });
  }

  async function processEvent(event: EventInput = {}): Promise<PluginEvent | null> {
    const [result] = await batch("processEvent", [sampleEvent(event)]);
    if (result?.error) throw new PluginThrew(result.error);
    return result === undefined || result.outcome === Outcome.dropped ? null : result.event as PluginEvent | null;
  }

  async function consume(fn: "onEvent" | "exportEvents", events: EventInput[]): Promise<void> {
    const outcomes = await batch(fn, events.map((event) => ({ elements: [], ...sampleEvent(event) })));
    for (const { error } of outcomes) if (error) throw new PluginThrew(error);
  }

  return {
    capabilities: plugin.capabilities,
    config,
    fetched: plugin.fetched,
    captured: plugin.captured,
    jobs: plugin.enqueued,
    logs: plugin.logs,
    processEvent,
    propertiesOf: async (properties) => (await processEvent({ properties }))?.properties ?? {},
    onEvent: (event = {}) => consume("onEvent", [event]),
    exportEvents: (events) => consume("exportEvents", events),
    batch,
    run: (task) => call("task", task),
    runJob: (job, payload) => call("job", job, payload),
    async runDueJobs() {
      let count = 0;
      for (const job of plugin.enqueued) {
        if (due.has(job) || job.runAt > plugin.services.time) continue;
        due.add(job);
        count++;
        await call("job", job.job, job.payload);
      }
      return count;
    },
    advance: plugin.advance,
    setRandom: plugin.setRandom,
    async storage() {
      const texts = await plugin.services.store.storage.all(PLUGIN_CONFIG_ID);
      return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, JSON.parse(text)]));
    },
    async cache() {
      const entries = await plugin.cache.contents();
      return Object.fromEntries(Array.from(entries, ([key, { value }]) => [
        key.startsWith(CACHE_PREFIX) ? key.slice(CACHE_PREFIX.length) : key,
        typeof value === "string" ? JSON.parse(value) : value,
      ]));
    },
    async [Symbol.asyncDispose]() {
      try {
        if (plugin.capabilities.methods.includes("teardownPlugin")) await call("method", "teardownPlugin");
      } finally {
        await plugin[Symbol.asyncDispose]();
      }
    },
  };
}

async function fill({ services, cache }: FixturePlugin, options: StartOptions): Promise<void> {
  for (const [key, value] of Object.entries(options.storage ?? {})) {
    await services.store.storage.set(PLUGIN_CONFIG_ID, key, JSON.stringify(value));
  }
  for (const [key, value] of Object.entries(options.cache ?? {})) {
    await cache.cache.set(`${CACHE_PREFIX}${key}`, JSON.stringify(value));
  }
}
