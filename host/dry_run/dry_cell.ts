/**
 * Runs one plugin of a dry run in a cell of its own. Its services work on copies, and everything it asks of them is
 * recorded.
 * @module
 */

import { Buffer } from "node:buffer";
import { type FetchRule, startFetchFixture } from "../../testing/sandbox/fetch_fixture.ts";
import { startFixtureProcess } from "../../testing/sandbox/fixture_process.ts";
import type { Capabilities } from "../../runtime/capabilities.ts";
import type { ErrorRecord } from "../../runtime/errors.ts";
import {
  type BatchFunction,
  type FetchedRequest,
  type LogBatch,
  Outcome,
  type ServiceName,
} from "../../runtime/protocol.ts";
import { denyNetFlag } from "../cells/egress/egress.ts";
import { createPluginSecrets } from "../cells/plugin_secrets.ts";
import { systemNames } from "../cells/egress/system_names.ts";
import { Cell } from "../cells/process/cell.ts";
import { getPackages } from "../packages/get_packages.ts";
import { type CellProcess, startCellProcess } from "../cells/process/cell_process.ts";
import { ProcessWatch } from "../cells/process/process_watch.ts";
import type { PluginConfig } from "../config/config.ts";
import type { LoadedPlugin } from "../loader/plugin.ts";
import { pluginSpec } from "../loader/plugin_spec.ts";
import type { PluginServices } from "../services/services.ts";

/** What a plugin did besides returning an event. */
export interface Notes {
  logs: LogBatch["entries"];
  /** Calls of storage and cache: the operation, the key, and the value that was read or written. */
  storage: { operation: string; key: string; value: unknown }[];
  cache: { operation: string; key: string; value: unknown }[];
  /** What it asked for with fetch, also where a rule answered or a wall refused. */
  fetches: FetchedRequest[];
  captures: { event: string; properties: unknown }[];
  jobs: { job: string; payload: unknown; run_at: string }[];
}

export interface DryCellOptions {
  plugin: LoadedPlugin;
  config: PluginConfig;
  services: PluginServices;
  fetch: "real" | readonly FetchRule[];
  /**
   * The time that the plugin's clock shows, in milliseconds since the epoch; null for the real time. Only possible if
   * fetch is answered by rules.
   */
  now: number | null;
}

export interface DryAnswer {
  outcome: Outcome;
  error: ErrorRecord | null;
  event: Record<string, unknown> | null;
}

export interface DryCell extends AsyncDisposable {
  readonly capabilities: Capabilities;
  call(name: string): Promise<ErrorRecord | null>;
  give(fn: BatchFunction, event: Record<string, unknown>): Promise<DryAnswer>;
  /**
   * Resolves with what was recorded since the last call, once the plugin has no more work in progress that can be
   * waited for.
   */
  takeNotes(): Promise<Notes>;
}

const MB = 1024 * 1024;
/** A little longer than a sandbox collects log lines before it sends them. */
const GATHER_MS = 60;

/** Loads the plugin. Rejects if its code cannot be evaluated. */
export async function startDryCell(options: DryCellOptions): Promise<DryCell> {
  const { plugin, config, services } = options;
  await getPackages(plugin.packages, { purpose: "for plugins" });
  await using opened = new AsyncDisposableStack();
  const fixture = options.fetch === "real" ? null : opened.use(startFetchFixture(options.fetch));
  const watch = opened.use(new ProcessWatch());
  const secrets = createPluginSecrets(plugin.manifest, config);
  let notes = noNotes();
  const deadlineMs = config.timeoutSeconds * 1000;
  const cell = opened.use(
    new Cell({
      process: fixture === null ? await realProcess(config) : fixtureProcess(fixture.url, options.now),
      watch,
      deadlineMs,
      memoryBytes: config.memoryMb * MB,
      async callService(_plugin, name, args, cause) {
        const value = await services[name](args, cause);
        note(notes, name, args, value);
        return value;
      },
      onLog({ entries, requests = [] }) {
        notes.logs.push(...entries.map((entry) => ({
          ...entry,
          message: secrets.hide(plugin.mapStack(entry.message)),
        })));
        notes.fetches.push(...requests.map((request) => hideInRequest(request, secrets.hide)));
      },
    }),
  );
  const { plugins: [loaded] } = await cell.load({
    plugins: [pluginSpec(plugin, config)],
    deadlineMs,
    egressAllow: options.fetch === "real" ? config.egress.allow : hostsOf(options.fetch),
    noteRequests: true,
  });
  if (loaded === undefined || "error" in loaded) {
    throw Object.assign(new Error(loaded?.error.message), { name: loaded?.error.name ?? "Error" });
  }
  const all = opened.move();
  const mapped = ({ stack, ...record }: ErrorRecord): ErrorRecord =>
    secrets.hideIn(stack === undefined ? record : { ...record, stack: plugin.mapStack(stack) });

  return {
    capabilities: loaded.capabilities,
    async call(name) {
      const answer = await cell.call({ plugin: 0, type: "method", name }, "other");
      return answer.ok ? null : mapped(answer.error);
    },
    async give(fn, event) {
      const body = new Uint8Array(Buffer.from(JSON.stringify(event)));
      const answer = await cell.batch(fn, [0], { lengths: [body.byteLength], body });
      const length = answer.events.lengths[0] ?? 0;
      const error = answer.errors[0]?.error;
      return {
        outcome: Object.values(Outcome).find((outcome) => outcome === answer.outcomes[0]) ?? Outcome.skipped,
        error: error === undefined ? null : mapped(error),
        event: length === 0 ? null : JSON.parse(new TextDecoder().decode(answer.events.body.subarray(0, length))),
      };
    },
    async takeNotes() {
      // Calls no function: the sandbox answers only after it has handled everything that was sent before.
      await cell.call({ plugin: 0, type: "task", name: "" }, "other");
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      const taken = notes;
      notes = noNotes();
      return taken;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function realProcess({ egress, memoryMb }: PluginConfig): Promise<CellProcess> {
  return startCellProcess({ memoryMb, denyNet: await denyNetFlag(egress.allow, systemNames()) });
}

function fixtureProcess(fetchUrl: string, now: number | null): CellProcess {
  const process = startFixtureProcess(fetchUrl);
  process.setFixtures({ now, random: null, fetchUrl });
  return process;
}

function hideInRequest(request: FetchedRequest, hide: (text: string) => string): FetchedRequest {
  const { method, url, headers, body } = request;
  return {
    method,
    url: hide(url),
    headers: headers.map(([name, value]) => [name, hide(value)]),
    body: body === null ? null : hide(body),
  };
}

function noNotes(): Notes {
  return { logs: [], storage: [], cache: [], fetches: [], captures: [], jobs: [] };
}

function note(notes: Notes, name: ServiceName, args: unknown[], value: unknown): void {
  const [first, second, third] = args;
  const [group, operation = ""] = name.split(".");
  const key = String(first);
  switch (group) {
    case "storage":
    case "cursor":
      notes.storage.push({ operation: group === "cursor" ? name : operation, key, value: value ?? second ?? null });
      break;
    case "cache":
      notes.cache.push({ operation, key, value: value ?? second ?? null });
      break;
    case "jobs":
      notes.jobs.push({ job: key, payload: second ?? null, run_at: new Date(Number(third)).toISOString() });
      break;
    case "posthog":
      if (operation === "capture") notes.captures.push({ event: key, properties: second });
  }
}

/** Rules answer for the hosts that a plugin may reach, including private ones. */
function hostsOf(rules: readonly FetchRule[]): string[] {
  const hosts = rules.map(({ url, prefix }) => url ?? prefix ?? "").filter((url) => URL.canParse(url)).map((url) => {
    const { hostname, port, protocol } = new URL(url);
    return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  });
  return [...new Set(hosts)];
}
