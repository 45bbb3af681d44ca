/**
 * Writes plugins' log entries to the store in batches: the console output of plugins, and what the service reports
 * about them. Entries of each plugin are limited by rate and size, and all together by what may wait: an unavailable
 * store costs entries, not memory.
 * @module
 */

import type { LogBatch } from "../../runtime/protocol.ts";
import type { LogEntry, LogType, PluginLogs } from "../store/store.ts";
import { createConsoleAllowance, SAY_EVERY_MS } from "./limits/console_allowance.ts";
import { formLogText } from "./log_text.ts";
import type { PluginIdentity } from "./plugin_identity.ts";
import type { ConsoleLimits } from "./limits/service_limits.ts";

type Owner = Pick<PluginIdentity, "pluginConfigId" | "teamId">;

export interface PluginLogWriter extends AsyncDisposable {
  /** Entries of one plugin as its cell sent them. Validates them and keeps what the limits allow. */
  fromPlugin(owner: Owner, entries: LogBatch["entries"], dropped: number): void;
  /** A message of the service about a plugin, not limited by the plugin's rate. */
  system(owner: Owner, type: LogType, message: string): void;
  /** Writes the waiting entries, in one attempt. */
  flush(): Promise<void>;
}

export interface PluginLogWriterOptions {
  store: Pick<PluginLogs, "append" | "prune">;
  limits: ConsoleLimits;
  /** Identifies this process in the entries. */
  instanceId: string;
  now: () => number;
  uuid: () => string;
  /** Called for every entry that is kept. */
  onEntry?: (entry: LogEntry) => void;
  /** Called when entries cannot be written. */
  onError: (message: string) => void;
}

const FLUSH_MS = 250;
const FLUSH_ENTRIES = 500;
const RETRY_MS = 2000;
const PRUNE_MS = 60_000;
const DAY_MS = 86_400_000;
/**
 * How far, in milliseconds, a sandbox's clock may differ from the host's. Beyond that it may have been tampered with,
 * and the host's is used.
 */
const CLOCK_SKEW_MS = 60_000;
const TYPES: readonly string[] = ["DEBUG", "LOG", "INFO", "WARN", "ERROR"];

export function createPluginLogWriter(options: PluginLogWriterOptions): PluginLogWriter {
  const { store, limits, instanceId, now, uuid, onError } = options;
  const allowances = new Map<number, ReturnType<typeof createConsoleAllowance>>();
  let waiting: LogEntry[] = [];
  let waitingChars = 0;
  let lost = 0;
  let writing: Promise<void> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let prunedAt = now();
  let failing = false;
  let closed = false;
  // A flood that has ended triggers no report by itself.
  const reminder = setInterval(() => allowances.forEach((allowance) => allowance.remind()), SAY_EVERY_MS);

  function push(owner: Owner, at: number, source: LogEntry["source"], type: LogType, message: string): void {
    const text = formLogText(message, limits.messageChars);
    if (waiting.length >= limits.waitingLines || waitingChars + text.length > limits.waitingChars) {
      lost++;
      return;
    }
    waitingChars += text.length;
    const entry: LogEntry = {
      id: uuid(),
      pluginConfigId: owner.pluginConfigId,
      teamId: owner.teamId,
      at,
      source,
      type,
      message: text,
      instanceId,
    };
    waiting.push(entry);
    options.onEntry?.(entry);
    timer ??= setTimeout(() => void flush(), FLUSH_MS);
    if (waiting.length >= FLUSH_ENTRIES && writing === null && !failing) void flush();
  }

  function fromPlugin(owner: Owner, entries: LogBatch["entries"], dropped: number): void {
    let allowance = allowances.get(owner.pluginConfigId);
    if (!allowance) {
      allowance = createConsoleAllowance(limits, now, (message) => push(owner, now(), "SYSTEM", "WARN", message));
      allowances.set(owner.pluginConfigId, allowance);
    }
    if (dropped > 0) allowance.leftOut(dropped);
    for (const { at, source, type, message } of entries) {
      if (typeof message !== "string" || !TYPES.includes(type)) continue;
      if (!allowance.admits(Math.min(message.length, limits.messageChars))) continue;
      const time = now();
      const near = Number.isFinite(at) && Math.abs(at - time) <= CLOCK_SKEW_MS;
      push(owner, near ? Math.trunc(at) : time, source === "PLUGIN" ? "PLUGIN" : "CONSOLE", type, message);
    }
  }

  /** Only one write runs at a time, so that entries stay in order. */
  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    while (writing) await writing;
    if (waiting.length === 0) return;
    const entries = waiting;
    const chars = waitingChars;
    waiting = [];
    waitingChars = 0;
    writing = write(entries, chars).finally(() => writing = null);
    await writing;
  }

  async function write(entries: LogEntry[], chars: number): Promise<void> {
    try {
      await store.append(entries);
      if (now() - prunedAt > PRUNE_MS) {
        prunedAt = now();
        await store.prune(limits.keepLines, now() - limits.keepDays * DAY_MS);
      }
      if (lost > 0) onError(`Left out ${lost} log entries of plugins: too many were waiting to be written`);
      lost = 0;
      failing = false;
    } catch (error) {
      // The entries wait, within the limit, until the store is back.
      waiting = [...entries, ...waiting];
      waitingChars += chars;
      if (!closed) timer ??= setTimeout(() => void flush(), RETRY_MS);
      if (!failing) onError(`Cannot write log entries of plugins: ${error instanceof Error ? error.message : error}`);
      failing = true;
    }
  }

  return {
    fromPlugin,
    system: (owner, type, message) => push(owner, now(), "SYSTEM", type, message),
    flush,
    async [Symbol.asyncDispose]() {
      closed = true;
      clearInterval(reminder);
      for (const allowance of allowances.values()) allowance.close();
      await flush();
      clearTimeout(timer);
    },
  };
}
