/**
 * One plugin config of a cell: what it consists of, the state that it is in, and what its log is told when the state
 * changes.
 * @module
 */

import { createHash } from "node:crypto";
import type { Capabilities } from "../../runtime/capabilities.ts";
import type { ErrorRecord } from "../../runtime/errors.ts";
import type { BatchFunction, PluginSpec } from "../../runtime/protocol.ts";
import type { PluginConfig } from "../config/config.ts";
import { configWarnings } from "../loader/manifest/config_warnings.ts";
import { type LoadedPlugin, PluginLoadError } from "../loader/plugin.ts";
import { pluginSpec } from "../loader/plugin_spec.ts";
import type { PluginServices } from "../services/services.ts";
import type { PluginMeter } from "./plugin_meter.ts";
import type { PluginRecords } from "./plugin_records.ts";
import { createPluginSecrets, type PluginSecrets } from "./plugin_secrets.ts";
import { PluginState } from "./plugin_runtime.ts";

export interface PluginMemberOptions {
  /** The reason if it could not be read or compiled: then it is disabled from the start. */
  plugin: LoadedPlugin | PluginLoadError;
  config: PluginConfig;
  services: PluginServices;
  records: PluginRecords;
  meter: Pick<PluginMeter, "failed">;
  /** In the messages that PostHog's interface expects. */
  instanceId: string;
  onState(member: PluginMember, from: PluginState): void;
  /** Called for what its author or its operator may not have meant, each time that it is loaded. */
  onWarning(member: PluginMember, warning: string): void;
}

/** Its state moves by `enter` and `disable` alone. */
export class PluginMember {
  readonly id: number;
  readonly config: PluginConfig;
  readonly services: PluginServices;
  readonly plugin: LoadedPlugin | PluginLoadError;
  readonly #options: PluginMemberOptions;
  readonly #secrets: PluginSecrets;
  #state: PluginState = PluginState.Loading;
  #reason: string | null = null;
  #capabilities: Capabilities | null = null;
  /** setupPlugin succeeded in the current cell, so teardownPlugin is due when the cell ends. */
  isSetUp = false;
  /** setupPlugin waited past its deadline and is tried again: events pass the plugin by until it succeeds. */
  waitsForSetup = false;

  constructor(options: PluginMemberOptions) {
    this.#options = options;
    this.plugin = options.plugin;
    this.config = options.config;
    this.services = options.services;
    this.id = options.config.id;
    const manifest = options.plugin instanceof PluginLoadError ? null : options.plugin.manifest;
    this.#secrets = createPluginSecrets(manifest, options.config);
  }

  get state(): PluginState {
    return this.#state;
  }

  get reason(): string | null {
    return this.#reason;
  }

  /** Kept here, because the record of the plugin config may already belong to the member that replaces this one. */
  get capabilities(): Capabilities | null {
    return this.#capabilities;
  }

  /** What plugin.json calls it. */
  get name(): string {
    return this.plugin instanceof PluginLoadError ? "A plugin that cannot be loaded" : this.plugin.manifest.name;
  }

  get disabled(): boolean {
    return this.#state === PluginState.Disabled;
  }

  /** What has to be installed before it can be loaded. */
  get packages(): readonly string[] {
    return this.plugin instanceof PluginLoadError ? [] : this.plugin.packages;
  }

  /** Reads what was kept of it; stays disabled if it was disabled with this source and configuration. */
  async open(): Promise<void> {
    const { records } = this.#options;
    const { disabledReason, capabilities } = await records.open({
      pluginConfigId: this.id,
      teamId: this.config.teamId,
      revision: this.#revision(),
    });
    this.#capabilities = capabilities;
    if (this.plugin instanceof PluginLoadError) this.failLoad(this.plugin.record);
    else if (disabledReason !== null) this.enter(PluginState.Disabled, disabledReason);
  }

  enter(state: PluginState, reason: string | null = null): void {
    if (this.#state === PluginState.Stopped || (state === this.#state && reason === this.#reason)) return;
    const from = this.#state;
    this.#state = state;
    this.#reason = reason === null ? null : this.hide(reason);
    this.#options.onState(this, from);
  }

  loaded(capabilities: Capabilities): void {
    this.#capabilities = capabilities;
    this.#options.records.change(this.id, { capabilities });
    this.say("INFO", `Plugin loaded (${this.#instance()}).`);
    for (const warning of this.#warnings(capabilities)) {
      this.say("WARN", warning);
      this.#options.onWarning(this, warning);
    }
  }

  failLoad(error: ErrorRecord): void {
    this.#fail("load", error, `Plugin failed to load with ${describe(error)} (${this.#instance()}). Disabled the app!`);
  }

  setUp(): void {
    this.isSetUp = true;
    this.#options.records.change(this.id, { lastError: null });
    this.say("INFO", `setupPlugin succeeded (${this.#instance()}).`);
  }

  retrySetup(error: ErrorRecord, attempt: string, waitMs: number): void {
    this.recordOwnError("setupPlugin", error);
    const said = `${error.name} (attempt ${attempt})${error.message === "" ? "" : `: ${error.message}`}`;
    const text = `setupPlugin failed with ${said} (${this.#instance()}). Retrying in ${waitMs / 1000} s...`;
    this.say("ERROR", text);
    this.enter(PluginState.RetryingSetup, text);
  }

  failSetup(error: ErrorRecord, attempt?: string): void {
    const named = attempt === undefined ? error : { ...error, name: `${error.name} (attempt ${attempt})` };
    this.#fail(
      "setupPlugin",
      error,
      `setupPlugin failed with ${describe(named)} (${this.#instance()}). Disabled the app!`,
    );
  }

  /** Disables the plugin because of what it keeps doing. */
  giveUp(reason: string): void {
    this.say("ERROR", `Plugin ${reason} (${this.#instance()}). Disabled the app!`);
    this.#disable(reason);
  }

  unloaded(error: ErrorRecord | null): void {
    this.isSetUp = false;
    if (error === null) return this.say("INFO", `Plugin unloaded (${this.#instance()}).`);
    this.recordOwnError("teardownPlugin", error);
    this.say("ERROR", `Plugin failed to unload (${this.#instance()}).`);
  }

  /** Returns to the initial state and forgets why the plugin was disabled. */
  reset(): void {
    this.#options.records.change(this.id, { disabledReason: null });
    this.enter(PluginState.Loading);
  }

  /** What another host made of it. False when there is nothing to run here. */
  follow(disabledReason: string | null): boolean {
    if (this.plugin instanceof PluginLoadError) return false;
    this.say("INFO", disabledReason === null ? "Enabled by another host." : "Disabled by another host.");
    if (disabledReason === null) this.enter(PluginState.Loading);
    else this.enter(PluginState.Disabled, disabledReason);
    return true;
  }

  recordError(error: ErrorRecord, event?: string): void {
    this.#options.records.error(this.id, this.mapError(error), event);
  }

  /** Records an error that comes from neither an event nor a call. */
  recordOwnError(place: string, error: ErrorRecord): void {
    this.recordError(error);
    this.#options.meter.failed(this.id, this.config.teamId, place, this.mapError(error));
  }

  /** The same error without the plugin's secrets, and with the stack in its own files. */
  mapError(error: ErrorRecord): ErrorRecord {
    const { stack, ...rest } = error;
    return this.#secrets.hideIn(stack === undefined ? rest : { ...rest, stack: this.mapStack(stack) });
  }

  mapStack(text: string): string {
    return this.plugin instanceof PluginLoadError ? text : this.plugin.mapStack(text);
  }

  /** The text without the plugin's secrets. */
  hide(text: string): string {
    return this.#secrets.hide(text);
  }

  say(type: "INFO" | "WARN" | "ERROR", message: string): void {
    this.#options.records.system(this.id, type, this.hide(message));
  }

  /** What its author or its operator may not have meant. */
  #warnings({ methods, jobs, scheduled_tasks }: Capabilities): string[] {
    if (this.plugin instanceof PluginLoadError) return [];
    const { manifest } = this.plugin;
    const exportsNothing = methods.length + jobs.length + scheduled_tasks.length === 0;
    return [
      ...(manifest.warnings ?? []).map((warning) => `plugin.json: ${warning}`),
      ...configWarnings(manifest, this.config),
      ...(exportsNothing
        ? ["The plugin exports nothing that is called, such as processEvent: events pass it unchanged"]
        : []),
    ].map((warning) => this.hide(warning));
  }

  /** Whether the plugin is enabled and has something for this function. */
  runs(fn: BatchFunction): boolean {
    const methods = this.capabilities?.methods ?? [];
    const has = methods.includes(fn) || (fn === "processEvent" && methods.includes("processEventBatch"));
    return has && !this.disabled && !this.waitsForSetup;
  }

  spec(): PluginSpec {
    const { plugin, config } = this;
    if (plugin instanceof PluginLoadError) throw plugin;
    return pluginSpec(plugin, config);
  }

  #fail(place: string, error: ErrorRecord, text: string): void {
    this.recordOwnError(place, error);
    this.say("ERROR", text);
    this.#disable(text);
  }

  #disable(reason: string): void {
    this.isSetUp = false;
    this.#options.records.change(this.id, { disabledReason: this.hide(reason) });
    this.enter(PluginState.Disabled, reason);
  }

  #instance(): string {
    return `instance ID ${this.#options.instanceId}`;
  }

  #revision(): string {
    const { plugin, config } = this;
    const source = plugin instanceof PluginLoadError ? plugin.record.message : plugin.revision;
    const attachments = Object.entries(config.attachments).map(([key, { contents }]) => [key, hash(contents)]);
    const { timeoutSeconds, memoryMb, egress } = config;
    return hash(JSON.stringify([source, config.config, attachments, timeoutSeconds, memoryMb, egress]));
  }
}

/** Without the excerpt that syntax errors carry in further lines. */
function describe({ name, message }: ErrorRecord): string {
  const [line = ""] = message.split("\n", 1);
  return line === "" ? name : `${name}: ${line}`;
}

function hash(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
