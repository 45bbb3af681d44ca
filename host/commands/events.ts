/**
 * `events tail` and `events export`: the events of a project of a running service, as they leave its last plugin.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { type ApiClient, type ApiOptions, openApi } from "./program/api_client.ts";
import { CommandError, EXIT_USAGE, terminal } from "./program/terminal.ts";
import { showJson } from "./show/event_change.ts";

export interface EventsCommand extends ApiOptions {
  project?: string;
  json?: boolean;
}

export interface ExportCommand extends ApiOptions {
  project?: string;
  /** The file to write; stdout if absent. */
  out?: string;
}

type Event = Record<string, unknown>;

const FOLLOW_MS = 300;
const PAGE = 1000;

/** Prints new events until it is interrupted. Rejects with a CommandError. */
export async function tailEvents(command: EventsCommand): Promise<void> {
  const api = await openApi(command);
  const project = await projectOf(api, command.project);
  let after = "";
  // Skips the events that are there already.
  for await (const page of pages(api, project, after)) after = page.end;
  terminal.note(`Waiting for events of project ${project} at ${api.url}`);
  for (;;) {
    for await (const page of pages(api, project, after)) {
      for (const event of page.events) print(event);
      after = page.end;
    }
    await delay(FOLLOW_MS);
  }

  function print(event: Event): void {
    if (command.json) return terminal.json(event);
    const { dim, bold } = terminal.colors;
    terminal.print(
      `${dim(String(event.timestamp))} ${bold(String(event.event))} ${event.distinct_id} ${showJson(event.properties)}`,
    );
  }
}

/** Writes every event that the event log still holds, one JSON line each. Rejects with a CommandError. */
export async function exportEvents(command: ExportCommand): Promise<void> {
  const api = await openApi(command);
  const project = await projectOf(api, command.project);
  const { out } = command;
  if (out !== undefined) await Deno.writeTextFile(out, "");
  let count = 0;
  for await (const { events } of pages(api, project, "")) {
    count += events.length;
    const lines = events.map((event) => JSON.stringify(event));
    if (out === undefined) { for (const line of lines) terminal.print(line); }
    else await Deno.writeTextFile(out, `${lines.join("\n")}\n`, { append: true });
  }
  terminal.note(`Exported ${count} ${count === 1 ? "event" : "events"} of project ${project}`);
}

async function* pages(api: ApiClient, project: string, after: string) {
  for (let cursor: string | null = after; cursor !== null;) {
    const query = new URLSearchParams({ limit: String(PAGE), after: cursor });
    const page: { results: Event[]; next: string | null; cursor: string } = await api.askPage(
      `/_hogpen/api/projects/${encodeURIComponent(project)}/events?${query}`,
    );
    if (page.results.length > 0) yield { events: page.results, end: page.cursor };
    cursor = page.next;
  }
}

/** If no project is named and there is only one, that one is used. */
async function projectOf(api: ApiClient, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const all = await api.askAll<{ id: number }>("/_hogpen/api/projects");
  const [only] = all;
  if (all.length === 1 && only !== undefined) return String(only.id);
  throw new CommandError(
    `Name a project with --project: there are ${all.map(({ id }) => id).join(", ")}`,
    EXIT_USAGE,
  );
}
