/**
 * `logs <plugin config>`: what a plugin of a running service logged, oldest first.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { printableMessage } from "../../runtime/printable.ts";
import { type ApiClient, type ApiOptions, openApi } from "./program/api_client.ts";
import { terminal } from "./program/terminal.ts";

export interface LogsCommand extends ApiOptions {
  /** Keeps printing new entries. */
  follow?: boolean;
  /** How many of the existing entries to print. */
  limit?: string;
  type?: string;
  search?: string;
  json?: boolean;
}

export interface LogEntry {
  id: string;
  timestamp: string;
  source: string;
  type: string;
  message: string;
}

const FOLLOW_MS = 500;

export async function logs(pluginConfig: string, command: LogsCommand): Promise<void> {
  const api = await openApi(command);
  for await (const entry of readLogs(api, pluginConfig, command)) {
    if (command.json) terminal.json(entry);
    else terminal.print(describeEntry(entry));
  }
}

/** Ends after the existing entries unless `follow` is set. Rejects with a CommandError. */
export async function* readLogs(
  api: ApiClient,
  pluginConfig: string,
  { follow = false, limit = "100", type, search }: LogsCommand,
): AsyncGenerator<LogEntry> {
  const query = new URLSearchParams({ limit, ...(type && { type }), ...(search && { search }) });
  const seen = new Set<string>();
  for (let last = "";;) {
    const { results } = await api.ask<{ results: LogEntry[] }>(
      `/_hogpen/api/plugin_configs/${encodeURIComponent(pluginConfig)}/logs?${query}`,
    );
    for (const entry of results.toReversed()) {
      if (seen.has(entry.id)) continue;
      seen.add(entry.id);
      last = entry.timestamp;
      yield entry;
    }
    if (!follow) return;
    // More entries of the same millisecond may follow, so that millisecond is asked for again and known entries are
    // skipped.
    if (last !== "") query.set("after", new Date(Date.parse(last) - 1000).toISOString());
    query.set("limit", "1000");
    await delay(FOLLOW_MS);
  }
}

function describeEntry({ timestamp, source, type, message }: LogEntry): string {
  const { dim, red, yellow } = terminal.colors;
  const paint = type === "ERROR" ? red : type === "WARN" ? yellow : (text: string) => text;
  return `${dim(timestamp)} ${paint(type.padEnd(5))} ${source === "SYSTEM" ? dim("(service) ") : ""}${
    printableMessage(message)
  }`;
}
