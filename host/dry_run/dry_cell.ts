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
import { type BatchFunction, type FetchedRequest, Outcome } from "../../runtime/protocol.ts";
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
import { createNoteTaker, type NoteBudget, type Notes } from "./notes.ts";

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
  /** What may still be kept of what plugins do. */
  budget: NoteBudget;
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
  const notes = createNoteTaker(options.budget);
  const deadlineMs = config.timeoutSeconds * 1000;
  const cell = opened.use(
    new Cell({
      process: fixture === null ? await realProcess(config) : fixtureProcess(fixture.url, options.now),
      watch,
      deadlineMs,
      memoryBytes: config.memoryMb * MB,
      async callService(_plugin, name, args, cause) {
        const value = await services[name](args, cause);
        notes.called(name, args, value);
        return value;
      },
      onLog({ entries, requests = [] }) {
        for (const entry of entries) {
          notes.add("logs", { ...entry, message: secrets.hide(plugin.mapStack(entry.message)) });
        }
        for (const request of requests) notes.add("fetches", hideInRequest(request, secrets.hide));
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
      return notes.take();
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

/** Rules answer for the hosts that a plugin may reach, including private ones. */
function hostsOf(rules: readonly FetchRule[]): string[] {
  const hosts = rules.map(({ url, prefix }) => url ?? prefix ?? "").filter((url) => URL.canParse(url)).map((url) => {
    const { hostname, port, protocol } = new URL(url);
    return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  });
  return [...new Set(hosts)];
}
