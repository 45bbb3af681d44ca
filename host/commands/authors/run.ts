/**
 * `run <folder>`: passes one event to a plugin in the service's sandbox, and shows what the plugin does.
 * @module
 */

import { basename, resolve } from "node:path";
import { z } from "zod";
import { PluginThrew, type StartedPlugin, startPlugin } from "../../../testing/start_plugin.ts";
import type { FetchRule } from "../../../testing/sandbox/fetch_fixture.ts";
import { sampleEvent } from "../../../testing/sample_event.ts";
import { type BatchFunction, Outcome } from "../../../runtime/protocol.ts";
import { CONSUMING_FUNCTIONS } from "../../consumers/sinks/plugin_call.ts";
import { passEvents } from "../../dry_run/passing_events.ts";
import { PluginLoadError } from "../../loader/plugin.ts";
import { isDeferred } from "../../router/marks.ts";
import type { StagePlugin } from "../../router/stage.ts";
import { readJson } from "../program/read_json.ts";
import { describeError, describeRun, type RunReport } from "../show/run_report.ts";
import { CommandError, EXIT_FAILED, EXIT_USAGE, terminal } from "../program/terminal.ts";

export interface RunCommand {
  event?: string;
  config?: string;
  fetch?: string;
  /** Each of the form `key=file`. */
  attachment?: string[];
  task?: string;
  job?: string;
  /** JSON. */
  payload?: string;
  json?: boolean;
}

const record = z.record(z.string(), z.unknown());
const rules = z.array(z.object({
  url: z.string().optional(),
  prefix: z.string().optional(),
  method: z.string().optional(),
  times: z.number().optional(),
  status: z.number().optional(),
  statusText: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  json: z.unknown(),
  body: z.string().optional(),
  network_error: z.string().optional(),
}));

const TEAM_ID = 1;
/** The plugin is the only one of its chain. */
const PLACE: StagePlugin = { pluginConfigId: 1, mark: "the plugin (1)" };

/** Exits with 1 if the plugin cannot be loaded or set up, or if it throws. */
export async function run(folder: string, command: RunCommand): Promise<void> {
  const events = command.event === undefined ? [pageview()] : await readEvents(command.event);
  const plugin = await start(folder, command);
  let threw = false;
  try {
    if (command.task !== undefined || command.job !== undefined) report(await runNamed(plugin, command));
    else for (const event of events) report(await runEvent(plugin, event));
  } finally {
    await plugin[Symbol.asyncDispose]().catch((error) => terminal.note(`teardownPlugin threw ${error.message}`));
  }
  if (threw) Deno.exitCode = EXIT_FAILED;

  function report(each: RunReport): void {
    threw ||= each.calls.some(({ error }) => error !== undefined);
    if (command.json) terminal.json(each);
    else for (const line of describeRun(each, terminal.colors)) terminal.print(line);
  }
}

async function start(folder: string, command: RunCommand): Promise<StartedPlugin> {
  const config = command.config === undefined ? {} : await readJson(command.config, record);
  const fetch = command.fetch === undefined ? [] : await readJson(command.fetch, rules) as FetchRule[];
  const attachments = Object.fromEntries(await Promise.all((command.attachment ?? []).map(readAttachment)));
  try {
    return await startPlugin(resolve(folder), { config, fetch, attachments, now: Date.now(), random: Math.random() });
  } catch (error) {
    if (error instanceof PluginLoadError) throw new CommandError(`Cannot run ${folder}: ${error.message}`);
    if (error instanceof PluginThrew) {
      throw new CommandError(`Cannot run ${folder}: setupPlugin threw ${describeError(error.record)}`);
    }
    throw new CommandError(`Cannot run ${folder}: ${(error as Error).message}`, EXIT_FAILED, { cause: error });
  }
}

async function runEvent(plugin: StartedPlugin, event: Record<string, unknown>): Promise<RunReport> {
  const { methods } = plugin.capabilities;
  const since = await mark(plugin);
  const calls: RunReport["calls"] = [];
  const passing = passEvents([event]);
  async function give(fn: BatchFunction, given: Record<string, unknown>) {
    const [result] = await plugin.batch(fn, [given]);
    calls.push({ function: fn, ...(result?.error && { error: result.error }) });
    return result;
  }

  // A plugin with either function is called by the same name.
  if (methods.includes("processEvent") || methods.includes("processEventBatch")) {
    for (const { index, event } of passing.next(PLACE)) {
      const { outcome = Outcome.skipped, event: made = null } = await give("processEvent", event) ?? {};
      passing.passed(PLACE, index, outcome, made);
    }
  }
  const [{ after = null } = {}] = passing.results();
  await passing.finish({
    teamId: TEAM_ID,
    anonymizeIps: false,
    deferred: isDeferred(plugin.capabilities) ? [PLACE.mark] : [],
  });
  for (const fn of CONSUMING_FUNCTIONS.filter((fn) => methods.includes(fn))) {
    for (const { event } of passing.consumed(fn, plugin.config)) await give(fn, event);
  }
  if (calls.length === 0 && !methods.some(takesEvents)) {
    const { scheduled_tasks: [task], jobs: [job] } = plugin.capabilities;
    const hint = task !== undefined ? `--task ${task}` : job !== undefined ? `--job ${job}` : "hogpen validate";
    throw new CommandError(`Cannot give the plugin an event: it has no function that takes one. Try ${hint}`);
  }
  return { before: event, after, calls, ...await since() };
}

function takesEvents(method: string): boolean {
  return method.startsWith("processEvent") || CONSUMING_FUNCTIONS.some((name) => name === method);
}

async function runNamed(plugin: StartedPlugin, { task, job, payload }: RunCommand): Promise<RunReport> {
  const { scheduled_tasks, jobs } = plugin.capabilities;
  const [name, known] = task !== undefined ? [task, scheduled_tasks] : [job as string, jobs];
  if (!known.includes(name)) {
    const words = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
    throw new CommandError(`Cannot run the ${task === undefined ? "job" : "task"} ${name}: ${words}`, EXIT_USAGE);
  }
  const since = await mark(plugin);
  const call: RunReport["calls"][number] = { function: name };
  try {
    if (task !== undefined) await plugin.run(name);
    else await plugin.runJob(name, payload === undefined ? undefined : parsePayload(payload));
  } catch (error) {
    if (!(error instanceof PluginThrew)) throw error;
    call.error = error.record;
  }
  return { calls: [call], ...await since() };
}

/** Returns a function that reports what the plugin did since this call. */
async function mark(plugin: StartedPlugin) {
  const counts = [plugin.logs, plugin.captured, plugin.jobs, plugin.fetched].map(({ length }) => length);
  const [storage, cache] = [await plugin.storage(), await plugin.cache()];
  return async () => ({
    logs: plugin.logs.slice(counts[0]),
    captured: plugin.captured.slice(counts[1]),
    jobs: plugin.jobs.slice(counts[2]),
    fetched: plugin.fetched.slice(counts[3]),
    storage: { before: storage, after: await plugin.storage() },
    cache: { before: cache, after: await plugin.cache() },
  });
}

function pageview(): Record<string, unknown> {
  const properties = {
    $current_url: "https://example.com/pricing?utm_source=news",
    $host: "example.com",
    $pathname: "/pricing",
    $browser: "Firefox",
    $ip: "203.0.113.7",
    $lib: "web",
  };
  return timely({ event: "$pageview", properties, ip: "203.0.113.7" });
}

async function readEvents(path: string): Promise<Record<string, unknown>[]> {
  const given = await readJson(path, z.union([record, z.array(record)]));
  return [given].flat().map(timely);
}

function timely(event: Record<string, unknown>): Record<string, unknown> {
  const now = new Date().toISOString();
  return sampleEvent({ uuid: crypto.randomUUID(), team_id: TEAM_ID, now, timestamp: now, ...event });
}

async function readAttachment(given: string) {
  const at = given.indexOf("=");
  if (at < 1) throw new CommandError(`--attachment: found ${given}, expected key=file`, EXIT_USAGE);
  const [key, path] = [given.slice(0, at), given.slice(at + 1)];
  const contents = await Deno.readFile(path).catch((cause) => {
    throw new CommandError(`Cannot read ${path}: there is no such file`, EXIT_USAGE, { cause });
  });
  return [key, { content_type: "application/octet-stream", file_name: basename(path), contents }] as const;
}

function parsePayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`--payload: found ${text}, expected JSON`, EXIT_USAGE, { cause });
  }
}
