/**
 * `replay <consumer>`: makes a consumer of a running service deliver events again.
 * @module
 */

import { type ApiOptions, openApi } from "./program/api_client.ts";
import { CommandError, EXIT_USAGE, terminal } from "./program/terminal.ts";

export interface ReplayCommand extends ApiOptions {
  /** A time in ISO 8601, or how long ago: 90s, 15m, 2h, 3d. */
  since?: string;
  cursor?: string;
  json?: boolean;
}

interface Consumer {
  id: string;
  state: string;
  lag: { events: number };
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Without a consumer, lists them. Rejects with a CommandError. */
export async function replay(consumer: string | undefined, command: ReplayCommand): Promise<void> {
  const api = await openApi(command);
  if (consumer === undefined) {
    const all = await api.askAll<Consumer>("/_hogpen/api/consumers");
    for (const each of all) {
      if (command.json) terminal.json(each);
      else terminal.print(`${each.id}  ${each.state}, ${each.lag.events} events behind`);
    }
    if (all.length === 0) {
      terminal.note("There is no consumer: no destination, and no plugin that sees events at the end");
    }
    return;
  }
  const { since, cursor } = command;
  if ((since === undefined) === (cursor === undefined)) {
    throw new CommandError("replay: expected either --since <time> or --cursor <cursor>", EXIT_USAGE);
  }
  const body = since === undefined ? { cursor } : { time: timeOf(since) };
  await api.ask(`/_hogpen/api/consumers/${consumer.split("/").map(encodeURIComponent).join("/")}/rewind`, "POST", body);
  terminal.note(
    `${consumer} delivers again from ${since === undefined ? cursor : new Date(timeOf(since)).toISOString()}`,
  );
}

/** Milliseconds since the epoch. */
function timeOf(text: string): number {
  const [, count, unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS[unit] ?? NaN);
  if (!Number.isNaN(time)) return time;
  throw new CommandError(
    `--since: found ${text}, expected a time such as 2026-03-04T12:00:00Z, or 15m, 2h, 3d`,
    EXIT_USAGE,
  );
}
