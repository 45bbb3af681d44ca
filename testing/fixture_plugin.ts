/**
 * One plugin in a cell and sandbox of the service, with a fixed clock, randomness, internet and GeoIP database, and
 * with services on real back ends that note what it asked for.
 * @module
 */

import { Buffer } from "node:buffer";
import { Cell } from "../host/cells/process/cell.ts";
import { ProcessWatch } from "../host/cells/process/process_watch.ts";
import type { LoadedPlugin } from "../host/loader/plugin.ts";
import type { ApiSettings } from "../host/services/api/api_settings.ts";
import type { Cause } from "../host/services/services.ts";
import type { Capabilities } from "../runtime/capabilities.ts";
import type { ErrorRecord } from "../runtime/errors.ts";
import type { Answer, BatchFunction, LogBatch, Outcome, ServiceName } from "../runtime/protocol.ts";
import type { FetchedRequest } from "../runtime/protocol.ts";
import { type FetchRule, startFetchFixture } from "./sandbox/fetch_fixture.ts";
import { startFixtureProcess } from "./sandbox/fixture_process.ts";
import { getPackages } from "../host/packages/get_packages.ts";
import { openTestServices, type TestServices } from "./plugin_services.ts";
import { recordCache, type RecordedCache } from "./recorded_cache.ts";

export interface FixturePluginOptions {
  plugin: LoadedPlugin;
  /** Given to the plugin as it is. */
  config: Record<string, unknown>;
  attachments?: Record<string, { content_type: string; file_name: string; contents: Uint8Array }>;
  fetch?: readonly FetchRule[];
  /** City responses by address. */
  geoip?: Record<string, unknown>;
  /** Where `posthog.api` goes; nowhere when absent. */
  api?: ApiSettings;
  /** Milliseconds since the epoch. */
  now: number;
  random: number;
  deadlineMs?: number;
}

/** What became of one event. */
export interface EventOutcome {
  outcome: Outcome;
  error: ErrorRecord | null;
  /** What came out; null when it was dropped, or for functions that return no event. */
  event: Record<string, unknown> | null;
}

export interface EnqueuedJob {
  job: string;
  payload: unknown;
  /** Milliseconds since the epoch. */
  enqueuedAt: number;
  runAt: number;
}

export interface CapturedEvent {
  event: string;
  properties: unknown;
}

/** What a plugin wrote to its console, or what its background work failed with. */
export type LogLine = LogBatch["entries"][number];

export interface FixturePlugin extends AsyncDisposable {
  capabilities: Capabilities;
  services: TestServices;
  cache: RecordedCache;
  fetched: FetchedRequest[];
  captured: CapturedEvent[];
  enqueued: EnqueuedJob[];
  /** Operations on metrics: name, operation, value. */
  measured: [string, string, number][];
  logs: LogLine[];
  /** Moves the clock of sandbox and host. */
  advance(milliseconds: number): void;
  setRandom(random: number): void;
  call(type: "method" | "job" | "task", name: string, payload?: unknown): Promise<Answer>;
  /** One batch; `depths` are the events' capture depths. */
  batch(fn: BatchFunction, events: Record<string, unknown>[], depths?: number[]): Promise<EventOutcome[]>;
  /** Resolves when the plugin has nothing under way that a test could wait for. */
  settled(): Promise<void>;
}

export const PLUGIN_CONFIG_ID = 39;
const QUIET_MS = 10;
/** A little longer than the sandbox gathers log lines. */
const GATHER_MS = 60;

/**
 * Loads the plugin; setupPlugin is the caller's. Rejects with the ErrorRecord's message when its code does not
 * evaluate.
 */
export async function startFixturePlugin(options: FixturePluginOptions): Promise<FixturePlugin> {
  await getPackages(options.plugin.packages, { purpose: "for plugins" });
  const fetchFixture = startFetchFixture(options.fetch ?? []);
  const process = startFixtureProcess(fetchFixture.url);
  const watch = new ProcessWatch();
  const recorded = recordCache(() => services.time);
  const services: TestServices = await openTestServices({}, {
    cache: recorded.cache,
    geoip: { locate: (address) => options.geoip?.[address] ?? null },
    ...(options.api && { api: () => options.api as ApiSettings }),
  });
  services.time = options.now;
  let random = options.random;
  let serving = 0;
  let served = 0;
  let loggedAt = -Infinity;
  const notes = {
    fetched: fetchFixture.requests,
    captured: [] as FixturePlugin["captured"],
    enqueued: [] as EnqueuedJob[],
    measured: [] as FixturePlugin["measured"],
    logs: [] as LogBatch["entries"],
  };

  function note(name: ServiceName, args: unknown[]): void {
    const [first, second, third] = args;
    if (name === "posthog.capture") notes.captured.push({ event: String(first), properties: second });
    if (name === "metrics.record") notes.measured.push([String(first), String(second), Number(third)]);
    if (name === "jobs.enqueue") {
      notes.enqueued.push({
        job: String(first),
        payload: second ?? undefined,
        enqueuedAt: services.time,
        runAt: Number(third),
      });
    }
  }

  const cell = new Cell({
    process,
    watch,
    deadlineMs: options.deadlineMs ?? 30_000,
    memoryBytes: 1e9,
    async callService(_plugin: number, name: ServiceName, args: unknown[], cause: Cause) {
      serving++;
      served++;
      try {
        note(name, args);
        return await services.call(name, args, cause);
      } finally {
        serving--;
      }
    },
    onLog(batch) {
      notes.logs.push(...batch.entries);
      loggedAt = performance.now();
    },
  });

  function sendFixtures(): void {
    process.setFixtures({ now: services.time, random, fetchUrl: fetchFixture.url });
  }

  async function dispose(): Promise<void> {
    await cell[Symbol.asyncDispose]();
    watch[Symbol.dispose]();
    await services[Symbol.asyncDispose]();
    await fetchFixture[Symbol.asyncDispose]();
  }

  try {
    sendFixtures();
    const { plugins: [loaded] } = await cell.load({
      plugins: [specOf(options)],
      deadlineMs: options.deadlineMs ?? 30_000,
      egressAllow: hostsOf(options.fetch ?? []),
    });
    if (loaded === undefined || "error" in loaded) throw new Error(loaded?.error.message, { cause: loaded?.error });
    return {
      ...notes,
      capabilities: loaded.capabilities,
      services,
      cache: recorded,
      advance(milliseconds) {
        services.time += milliseconds;
        sendFixtures();
      },
      setRandom(value) {
        random = value;
        sendFixtures();
      },
      call: (type, name, payload) =>
        cell.call(
          { plugin: 0, type, name, ...(payload !== undefined && { payload }) },
          type === "method" ? "other" : type,
        ),
      batch: (fn, events, depths) => runBatch(cell, fn, events, depths),
      async settled() {
        for (let quiet = 0, before = -1; quiet < 2;) {
          // The answer to a call of nothing comes after the sandbox has taken, and acted on, all that was sent before.
          await cell.call({ plugin: 0, type: "task", name: "" }, "other");
          await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
          const calls = served + fetchFixture.requests.length;
          quiet = serving + fetchFixture.pending === 0 && calls === before ? quiet + 1 : 0;
          before = calls;
        }
        // Lines that followed others closely wait in the sandbox for the next call.
        for (let seen = 0; seen !== notes.logs.length && performance.now() - loggedAt < GATHER_MS;) {
          seen = notes.logs.length;
          await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
          await cell.call({ plugin: 0, type: "task", name: "" }, "other");
        }
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function specOf({ plugin, config, attachments = {} }: FixturePluginOptions) {
  return {
    pluginConfigId: PLUGIN_CONFIG_ID,
    teamId: 2,
    name: plugin.manifest.name,
    files: plugin.files,
    main: plugin.main,
    config,
    attachments: Object.fromEntries(
      Object.entries(attachments).map(([key, { contents, ...rest }]) =>
        [key, { ...rest, contents: Buffer.from(contents).toString("base64") }] as const
      ),
    ),
    scheduledTasks: Object.keys(plugin.manifest.schedule),
  };
}

/** Rules stand for hosts that a plugin may reach, also private ones. */
function hostsOf(rules: readonly FetchRule[]): string[] {
  const hosts = rules.map(({ url, prefix }) => url ?? prefix ?? "").filter((url) => URL.canParse(url)).map((url) => {
    const { hostname, port, protocol } = new URL(url);
    return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  });
  return [...new Set(hosts)];
}

async function runBatch(
  cell: Cell,
  fn: BatchFunction,
  events: Record<string, unknown>[],
  depths?: number[],
): Promise<EventOutcome[]> {
  const texts = events.map((event) => Buffer.from(JSON.stringify(event)));
  const lengths = texts.map((text) => text.byteLength);
  const { outcomes: [outcomes = ""], errors, events: out } = await cell.batch(fn, [0], {
    lengths,
    body: new Uint8Array(Buffer.concat(texts)),
    ...(depths && { origins: depths.map((depth) => ({ depth })) }),
  });
  let at = 0;
  return events.map((_, index) => {
    const length = out.lengths[index] ?? 0;
    const text = Buffer.from(out.body.subarray(at, at += length)).toString();
    return {
      outcome: outcomes[index] as Outcome,
      error: errors.find(({ event }) => event === index)?.error ?? null,
      event: length === 0 ? null : JSON.parse(text),
    };
  });
}
