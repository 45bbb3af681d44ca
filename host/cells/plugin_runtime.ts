/**
 * What the rest of the host sees of a plugin config: something that takes batches and calls, that is never down for
 * good without a reason in words, and that never throws because of what a plugin did. It handles restarts, limits and
 * the cell behind it by itself.
 * @module
 */

import type { Capabilities } from "../../runtime/capabilities.ts";
import type { ErrorRecord } from "../../runtime/errors.ts";
import type { BatchFunction } from "../../runtime/protocol.ts";

/** Events as they travel: JSON texts one after the other. */
export interface EncodedEvents {
  /** Bytes of each event. */
  lengths: number[];
  body: Uint8Array;
  /** Of each event, for what plugins cause because of it. Not sent to the cell. */
  origins?: EventOrigin[];
}

/** Where an event, job or task comes from. */
export interface EventOrigin {
  /** `LogRecord.depth`, or the job's; absent means 0. */
  depth?: number;
  /**
   * What the plugin is called for, in the same words when it is called for that again: a step of the router that could
   * not be recorded is repeated, and what plugins ask for then must not be done twice. Absent when every call counts.
   */
  occasion?: string;
}

/**
 * Every state a plugin config can be in.
 *
 *     loading ──▶ setting_up ──▶ running ⇄ idle
 *        │           │  ▲          │
 *        │           ▼  │          ▼
 *        │        retrying_setup  restarting ──▶ setting_up
 *        │           │             │
 *        └──────────▶└──▶ disabled ◀┘         any ──▶ stopping ──▶ stopped
 */
export const PluginState = {
  Loading: "loading",
  SettingUp: "setting_up",
  RetryingSetup: "retrying_setup",
  Running: "running",
  Idle: "idle",
  Restarting: "restarting",
  Disabled: "disabled",
  Stopping: "stopping",
  Stopped: "stopped",
} as const;
export type PluginState = typeof PluginState[keyof typeof PluginState];

export interface PluginStatus {
  state: PluginState;
  /** Why it is disabled or restarting, or what it waits for before it is loaded, in words. */
  reason: string | null;
  capabilities: Capabilities | null;
  lastError: (ErrorRecord & { at: number; event?: unknown }) | null;
  /** Of the cell now running; null when there is none. */
  pid: number | null;
  memoryBytes: number | null;
  /** CPU time used by all its cells so far. */
  cpuMs: number;
  restarts: { at: number; reason: string }[];
}

export interface BatchOutcome {
  /** One string per plugin of the chain, one `Outcome` character (runtime/protocol.ts) per event. */
  outcomes: string[];
  /** `plugin` is the position in the chain. */
  errors: { event: number; plugin: number; error: ErrorRecord }[];
  /**
   * The events that came out: same count as went in; length 0 = dropped. For other functions than processEvent, empty.
   */
  events: EncodedEvents;
  /** Milliseconds that each plugin of the chain kept the cell's thread, as the sandbox says; when there are several. */
  spent?: number[];
}

/** The plugin configs of one cell: a single one, or those that share a cell. */
export interface PluginRuntime extends AsyncDisposable {
  /** In chain order. */
  readonly pluginConfigIds: readonly number[];
  status(pluginConfigId: number): PluginStatus;
  /** Resolves when every plugin is running or disabled. Retries of setupPlugin are waited for. */
  ready(): Promise<void>;
  /**
   * Runs a batch through these plugin configs of the cell, by id and in this order (one alone for functions other than
   * processEvent). Waits while the plugin is being set up or restarted; never rejects but for the signal: what a plugin
   * did wrong is an outcome. A disabled plugin's outcome is `skipped` and the event passes.
   */
  batch(fn: BatchFunction, pluginConfigIds: number[], events: EncodedEvents): Promise<BatchOutcome>;
  /** Runs a job or a scheduled task. Rejects with PluginCallError. */
  call(
    pluginConfigId: number,
    type: "job" | "task",
    name: string,
    payload?: unknown,
    origin?: EventOrigin,
  ): Promise<unknown>;
  /** Starts again a plugin that was disabled. */
  enable(pluginConfigId: number): Promise<void>;
  /** Another host disabled the plugin for this reason, or enabled it again (null). */
  follow(pluginConfigId: number, disabledReason: string | null): void;
  /** teardownPlugin, then the cell ends. Waits for calls in flight. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A job or task that failed; `record.retry` says whether it may be tried again. */
export class PluginCallError extends Error {
  override name = "PluginCallError";
  constructor(readonly record: ErrorRecord) {
    super(record.message);
  }
}
