/**
 * One plugin in a cell and sandbox of its own, for a dry run: its services stand on copies, and what it asks of them is noted.
 * @module
 */

import { Buffer } from "node:buffer";
import { type FetchRule, startFetchFixture } from "../../testing/sandbox/fetch_fixture.ts";
import type { FetchedRequest } from "../../testing/sandbox/control_frame.ts";
import { startFixtureProcess } from "../../testing/sandbox/fixture_process.ts";
import type { Capabilities } from "../../runtime/capabilities.ts";
import type { ErrorRecord } from "../../runtime/errors.ts";
import { type BatchFunction, type LogBatch, Outcome, type ServiceName } from "../../runtime/protocol.ts";
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
  /** Calls of storage and cache: operation, key, and what it gave or got. */
  storage: { operation: string; key: string; value: unknown }[];
  cache: { operation: string; key: string; value: unknown }[];
  /** Null when fetch is real: requests leave the sandbox without passing the host. */
  fetches: FetchedRequest[] | null;
  captures: { event: string; properties: unknown }[];
  jobs: { job: string; payload: unknown; run_at: string }[];
}

export interface DryCellOptions {
  plugin: LoadedPlugin;
  config: PluginConfig;
  services: PluginServices;
  fetch: "real" | readonly FetchRule[];
  /** What the clock shows, in milliseconds since the epoch; null: the time. Only when fetch is answered by rules. */
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
  /** What was noted since the last time. Resolves when the plugin has nothing under way that it could be waited for. */
  takeNotes(): Promise<Notes>;
}

const MB = 1024 * 1024;
/** A little longer than a sandbox gathers log lines. */
const GATHER_MS = 60;

/** Loads the plugin. Rejects when its code does not evaluate. */
export async function startDryCell(options: DryCellOptions): Promise<DryCell> {
  const { plugin, config, services } = options;
  await getPackages(plugin.packages, { purpose: "for plugins" });
  await using opened = new AsyncDisposableStack();
  const fixture = options.fetch === "real" ? null : opened.use(startFetchFixture(options.fetch));
  const watch = opened.use(new ProcessWatch());
  const secrets = createPluginSecrets(plugin.manifest, config);
  let notes = noNotes(fixture !== null);
  let fetched = 0;
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
      onLog: (batch) =>
        void notes.logs.push(...batch.entries.map((entry) => ({
          ...entry,
          message: secrets.hide(plugin.mapStack(entry.message)),
        }))),
    }),
  );
  const { plugins: [loaded] } = await cell.load({
    plugins: [pluginSpec(plugin, config)],
    deadlineMs,
    egressAllow: options.fetch === "real" ? config.egress.allow : hostsOf(options.fetch),
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
      // The answer to a call of nothing comes after the sandbox has acted on all that was sent before.
      await cell.call({ plugin: 0, type: "task", name: "" }, "other");
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      const taken = {
        ...notes,
        fetches: fixture && fixture.requests.slice(fetched).map((request) => hideInRequest(request, secrets.hide)),
      };
      fetched = fixture?.requests.length ?? 0;
      notes = noNotes(fixture !== null);
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

function noNotes(fetches: boolean): Notes {
  return { logs: [], storage: [], cache: [], fetches: fetches ? [] : null, captures: [], jobs: [] };
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

/** Rules stand for hosts that a plugin may reach, also private ones. */
function hostsOf(rules: readonly FetchRule[]): string[] {
  const hosts = rules.map(({ url, prefix }) => url ?? prefix ?? "").filter((url) => URL.canParse(url)).map((url) => {
    const { hostname, port, protocol } = new URL(url);
    return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  });
  return [...new Set(hosts)];
}
