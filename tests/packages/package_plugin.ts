/**
 * A plugin of tests/fixtures/packages in a cell as the service starts it: denied addresses, memory limit and all.
 * @module
 */

import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { Cell } from "../../host/cells/process/cell.ts";
import { startCellProcess } from "../../host/cells/process/cell_process.ts";
import { denyNetFlag } from "../../host/cells/egress/egress.ts";
import { ProcessWatch } from "../../host/cells/process/process_watch.ts";
import { loadPlugin } from "../../host/loader/load_plugin.ts";
import { mergeDefaults } from "../../host/loader/manifest/manifest.ts";
import type { SourceSpec } from "../../host/loader/sources/open_source.ts";
import type { ApiSettings } from "../../host/services/api/api_settings.ts";
import type { ErrorRecord } from "../../runtime/errors.ts";
import { openTestServices, OTHER } from "../../testing/plugin_services.ts";

type Event = Record<string, unknown>;

export interface PackagePluginOptions {
  config?: Record<string, unknown>;
  /** By key, as text. */
  attachments?: Record<string, string>;
  /** Entries of `egress.allow`; default: nothing of this machine. */
  egress?: string[];
  deadlineMs?: number;
  /** Where posthog.api goes; default: nowhere. */
  api?: ApiSettings;
}

export interface PackagePlugin extends AsyncDisposable {
  /** Messages in its log. */
  logs: string[];
  /** Calls setupPlugin, teardownPlugin or a task; rejects with what it threw. */
  call(type: "method" | "task" | "job", name: string, payload?: unknown): Promise<unknown>;
  /** Rejects with what it threw. */
  exportEvents(events: Event[]): Promise<void>;
  onEvent(event: Event): Promise<void>;
  /** The event that came out. */
  processEvent(event?: Event): Promise<Event>;
}

/** What a plugin threw. */
export class PluginThrew extends Error {
  constructor(readonly record: ErrorRecord) {
    super(record.message);
    this.name = record.name;
  }
}

const PACKAGES = new URL("../fixtures/packages/", import.meta.url);

/** Starts one, by the name of its folder, and sets it up. */
export async function startPackagePlugin(
  source: string | Exclude<SourceSpec, string>,
  options: PackagePluginOptions = {},
): Promise<PackagePlugin> {
  const { egress = [], deadlineMs = 30_000, config = {}, attachments = {} } = options;
  const spec = typeof source === "string" ? fileURLToPath(new URL(source, PACKAGES)) : source;
  const { files, main, manifest } = await loadPlugin(spec);
  const { api } = options;
  const services = await openTestServices({}, api === undefined ? {} : { api: () => api });
  const table = services.of();
  const watch = new ProcessWatch();
  const logs: string[] = [];
  const denyNet = await denyNetFlag(egress, {
    resolve: async (name) => await Deno.resolveDns(name, "A").catch(() => ["127.0.0.1"]),
    ownIpv6: [],
  });
  const cell = new Cell({
    process: startCellProcess({ memoryMb: 256, denyNet }),
    watch,
    deadlineMs,
    memoryBytes: 400e6,
    callService: (_plugin, name, args) => table[name](args, OTHER),
    onLog: ({ entries }) => logs.push(...entries.map(({ message }) => message)),
  });

  async function dispose(): Promise<void> {
    await cell[Symbol.asyncDispose]();
    watch[Symbol.dispose]();
    await services[Symbol.asyncDispose]();
  }

  async function call(type: "method" | "task" | "job", name: string, payload?: unknown): Promise<unknown> {
    const request = { plugin: 0, type, name, ...(payload === undefined ? {} : { payload }) };
    const answer = await cell.call(request, "other");
    if (!answer.ok) throw new PluginThrew(answer.error);
    return answer.value;
  }

  async function batch(fn: "processEvent" | "onEvent" | "exportEvents", events: Event[]): Promise<Event[]> {
    const texts = events.map((event) => Buffer.from(JSON.stringify(event)));
    const lengths = texts.map((text) => text.byteLength);
    const outcome = await cell.batch(fn, [0], { lengths, body: new Uint8Array(Buffer.concat(texts)) });
    const [failure] = outcome.errors;
    if (failure !== undefined) throw new PluginThrew(failure.error);
    if (fn !== "processEvent" || outcome.events === null || outcome.events.lengths[0] === 0) return [];
    return [JSON.parse(new TextDecoder().decode(outcome.events.body))];
  }

  try {
    const { plugins: [loaded] } = await cell.load({
      plugins: [{
        pluginConfigId: 39,
        teamId: 2,
        name: manifest.name,
        files,
        main,
        config: mergeDefaults(manifest, config),
        attachments: Object.fromEntries(
          Object.entries(attachments).map(([key, text]) => [key, {
            content_type: "application/json",
            file_name: `${key}.json`,
            contents: Buffer.from(text).toString("base64"),
          }]),
        ),
        scheduledTasks: Object.keys(manifest.schedule),
      }],
      deadlineMs,
      egressAllow: egress,
    });
    if (loaded === undefined) throw new Error("Cannot load the plugin: there was no answer");
    if ("error" in loaded) throw new PluginThrew(loaded.error);
    if (loaded.capabilities.methods.includes("setupPlugin")) await call("method", "setupPlugin");
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    logs,
    call,
    async exportEvents(events) {
      await batch("exportEvents", events.map(eventOf));
    },
    async onEvent(event) {
      await batch("onEvent", [eventOf(event)]);
    },
    async processEvent(event = {}) {
      const [out] = await batch("processEvent", [eventOf(event)]);
      if (out === undefined) throw new Error("Cannot show the event: the plugin dropped it");
      return out;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** An event with defaults. */
export function eventOf(event: Event): Event {
  return {
    uuid: "01760b5a-1a2b-7000-8000-000000000001",
    event: "test event",
    distinct_id: "user-1",
    team_id: 2,
    ip: "203.0.113.7",
    timestamp: "2021-01-20T11:59:00.000Z",
    properties: {},
    ...event,
  };
}
