/**
 * Reports to a plugin's author what the plugin did with an event.
 * @module
 */

import type { CapturedEvent, EnqueuedJob, FetchedRequest, LogLine } from "../../../testing/start_plugin.ts";
import type { ErrorRecord } from "../../../runtime/errors.ts";
import { changesOf, describeChanges, showJson } from "./event_change.ts";
import type { Terminal } from "../program/terminal.ts";

type Values = Record<string, unknown>;

export interface RunReport {
  /** Absent for tasks and jobs. */
  before?: Values;
  /** Null if the event was dropped. */
  after?: Values | null;
  calls: { function: string; error?: ErrorRecord }[];
  logs: LogLine[];
  captured: CapturedEvent[];
  jobs: EnqueuedJob[];
  fetched: FetchedRequest[];
  storage: { before: Values; after: Values };
  cache: { before: Values; after: Values };
}

export function describeRun(report: RunReport, colors: Terminal["colors"]): string[] {
  const { bold, dim, red } = colors;
  const { before, after, calls } = report;
  const lines = calls.map(({ function: name, error }) =>
    error === undefined ? name : red(`${name} threw ${describeError(error)}`)
  );
  const changed = before && after ? changesOf(before, after) : [];
  if (before !== undefined) {
    lines.push(
      after === null
        ? red(`${bold(String(before.event))}: dropped`)
        : `${bold(String(before.event))}: ${changed.length === 0 ? "unchanged" : "changed"}`,
    );
  }
  lines.push(...indented(describeChanges(changed, colors)));
  section("logs", report.logs.map(({ type, message }) => `${dim(type.padEnd(5))} ${message}`));
  section("storage", describeChanges(changesOf(report.storage.before, report.storage.after), colors));
  section("cache", describeChanges(changesOf(report.cache.before, report.cache.after), colors));
  section("jobs", report.jobs.map(describeJob));
  section("captured", report.captured.map(({ event, properties }) => `${event} ${showJson(properties ?? {})}`));
  section(
    "fetches",
    report.fetched.map(({ method, url, body }) => `${method} ${url}${body ? ` ${showJson(body)}` : ""}`),
  );
  return lines;

  function section(title: string, entries: string[]): void {
    if (entries.length > 0) lines.push(bold(title), ...indented(entries));
  }
}

/** With the stack frames of the plugin's own files. */
export function describeError({ name, message, stack }: ErrorRecord): string {
  const words = `${name}: ${message}`;
  return stack === undefined ? words : stack.startsWith(words) ? stack : `${words}\n${stack}`;
}

function describeJob({ job, payload, enqueuedAt, runAt }: EnqueuedJob): string {
  const seconds = Math.round((runAt - enqueuedAt) / 1000);
  return `${job}(${payload === undefined ? "" : showJson(payload)}) ${seconds <= 0 ? "now" : `in ${seconds} s`}`;
}

function indented(lines: string[]): string[] {
  return lines.map((line) => `  ${line.replaceAll("\n", "\n  ")}`);
}
