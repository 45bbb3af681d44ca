/**
 * Keeps the plugin configs of one cell alive: starts the cell, loads and sets up its plugins, starts it again when it
 * ends, gives up what keeps failing, and takes it down in order. docs/STATES.md draws the states and what moves a
 * plugin between them.
 * @module
 */

import type { BatchFunction } from "../../runtime/protocol.ts";
import type { Clock } from "../clock.ts";
import type { PluginConfig } from "../config/config.ts";
import type { LoadedPlugin, PluginLoadError } from "../loader/plugin.ts";
import type { PluginPackages } from "../packages/plugin_packages.ts";
import type { PluginServices } from "../services/services.ts";
import type { DeadLetters } from "../store/store.ts";
import { bringUp, setUpLate } from "./bring_up.ts";
import { Cell } from "./process/cell.ts";
import { type CellEnd, CellEndedError, notStarted } from "./process/cell_end.ts";
import { type CellLimits, type CellProcess, startCellProcess } from "./process/cell_process.ts";
import { createDeathLedger, type DeathLedger } from "./dispatch/death_ledger.ts";
import { type Culprit, Dispatcher } from "./dispatch/dispatcher.ts";
import { denyNetFlag } from "./egress/egress.ts";
import { createPluginReports, type NoticeLevel, type PluginReports } from "./plugin_reports.ts";
import { createLoadedCell, type LoadedCell } from "./loaded_cell.ts";
import { NO_METER, type PluginMeter } from "./plugin_meter.ts";
import { PluginMember } from "./plugin_member.ts";
import type { PluginRecords } from "./plugin_records.ts";
import type { BatchOutcome, EncodedEvents, EventOrigin, PluginRuntime, PluginStatus } from "./plugin_runtime.ts";
import { PluginCallError, PluginState } from "./plugin_runtime.ts";
import type { ProcessWatch } from "./process/process_watch.ts";
import { createSteadiness, isUnsteady } from "./steadiness.ts";
import { systemNames } from "./egress/system_names.ts";
import { createMovingOut, type MovingOut } from "./sharing/moving_out.ts";
import type { StartGate } from "./process/start_gate.ts";
import { takeDown } from "./take_down.ts";

export interface PluginRuntimeOptions {
  /**
   * One, or those that share a cell, in the order of the chain. The limits of a shared cell are the largest of its
   * members'.
   */
  plugins: { plugin: LoadedPlugin | PluginLoadError; config: PluginConfig }[];
  services(pluginConfigId: number): PluginServices;
  records: PluginRecords;
  /** Default: counts nothing. */
  meter?: PluginMeter;
  deadLetters: Pick<DeadLetters, "add">;
  /** One for the whole service. */
  watch: ProcessWatch;
  /** One for the whole service. Absent: cells start at once. */
  startGate?: StartGate;
  /** One for the whole service. Absent: what plugins import is there. */
  packages?: Pick<PluginPackages, "ready">;
  clock: Clock;
  /** Names this process in the messages of the plugins' logs. */
  instanceId: string;
  /** The cell of a plugin that had no work for so long is ended, and started by the next work. Null: never. */
  retireAfterMs: number | null;
  /**
   * The first cell is started by the first work too, when it is known from an earlier start what the plugins do.
   * Default: at once.
   */
  lazy?: boolean;
  /**
   * Given when the service put the plugins together: told of those that are to have cells of their own, and why. When
   * it cannot be told who it was, that is all of them.
   */
  onMisbehaviour?(pluginConfigIds: readonly number[], reason: string): void;
  /** For the service's own log: states, and what could not be stored. What needs a person is an error. */
  onNotice(message: string, level: NoticeLevel): void;
  /** Default: the cell's own program, with everything that is known of isolation. */
  startProcess?(limits: CellLimits): CellProcess;
}

/** States that somebody should know of. All others are "info". */
const LEVELS: Partial<Record<PluginState, NoticeLevel>> = {
  [PluginState.Disabled]: "error",
  [PluginState.RetryingSetup]: "warn",
  [PluginState.Restarting]: "warn",
};

/** Starts the plugins; the runtime takes work at once and holds it until they are set up. */
export function createPluginRuntime(options: PluginRuntimeOptions): PluginRuntime {
  return new PluginSupervisor(options);
}

const NOT_SET_UP = { name: "RetryError", message: "setupPlugin has not succeeded yet", retry: true };

/** For calls in flight when the cell is to end. */
const DRAIN_MS = 5_000;
const KEPT_RESTARTS = 20;
const MB = 1024 * 1024;

class PluginSupervisor implements PluginRuntime {
  readonly pluginConfigIds: readonly number[];
  readonly #options: PluginRuntimeOptions;
  readonly #members: PluginMember[];
  readonly #dispatcher: Dispatcher;
  readonly #meter: PluginMeter;
  /** By plugin config; null for incidents that cannot be blamed on one plugin. */
  readonly #ledgers = new Map<number | null, DeathLedger>();
  readonly #deadlineMs: number;
  readonly #memoryBytes: number;
  readonly #stop = new AbortController();
  readonly #restarts: { at: number; reason: string }[] = [];
  readonly #reports: PluginReports;
  readonly #life: Promise<void>;
  #cell: Cell | null = null;
  /** The last end whose culprit was found. With that event out of the way, the next cell has no reason to end. */
  #explained: CellEnd | null = null;
  /** CPU time of the cells that ended. */
  #pastCpuMs = 0;
  readonly #steady = createSteadiness();
  readonly #movingOut: MovingOut;
  /** Resolved to make the life loop look again: a plugin enabled again, the stop. */
  #changed = Promise.withResolvers<void>();
  /** Resolved by work for a retired cell. */
  #woken = Promise.withResolvers<void>();

  constructor(options: PluginRuntimeOptions) {
    this.#options = options;
    this.#meter = options.meter ?? NO_METER;
    this.#reports = createPluginReports({ ...options, meter: this.#meter });
    this.#members = options.plugins.map(({ plugin, config }) =>
      new PluginMember({
        plugin,
        config,
        services: options.services(config.id),
        records: options.records,
        meter: this.#meter,
        instanceId: options.instanceId,
        onState: (member, from) => this.#noteState(member, from),
        onWarning: ({ name, id }, warning) => options.onNotice(`${name} (plugin config ${id}): ${warning}`, "warn"),
      })
    );
    this.pluginConfigIds = this.#members.map((member) => member.id);
    this.#movingOut = createMovingOut({
      members: this.#members,
      instanceId: options.instanceId,
      now: options.clock.now,
      stopping: this.#stop.signal,
      onMisbehaviour: options.onMisbehaviour,
    });
    const configs = options.plugins.map(({ config }) => config);
    this.#deadlineMs = Math.max(...configs.map(({ timeoutSeconds }) => timeoutSeconds * 1000));
    this.#memoryBytes = Math.max(...configs.map(({ memoryMb }) => memoryMb)) * MB;
    this.#dispatcher = new Dispatcher({
      memoryBytes: this.#memoryBytes,
      runs: (id, fn) => this.#find(id)?.runs(fn) ?? false,
      onIncident: (end, id, culprit) => this.#noteIncident(end, id, culprit),
      onUnexplained: (end) => this.#movingOut.moveAll(end.words),
      onWork: () => this.#woken.resolve(),
    });
    this.#life = this.#live();
  }

  status(pluginConfigId: number): PluginStatus {
    const member = this.#member(pluginConfigId);
    return {
      state: member.state,
      reason: member.reason,
      capabilities: member.capabilities,
      lastError: this.#options.records.read(member.id)?.lastError ?? null,
      pid: this.#cell?.pid ?? null,
      memoryBytes: this.#cell?.memoryBytes ?? null,
      cpuMs: this.#pastCpuMs + (this.#cell?.cpuMs ?? 0),
      restarts: [...this.#restarts],
    };
  }

  ready(): Promise<void> {
    return this.#steady.reached();
  }

  async batch(fn: BatchFunction, pluginConfigIds: number[], events: EncodedEvents): Promise<BatchOutcome> {
    const count = events.lengths.length;
    const start = performance.now();
    this.#meter.begin(fn, pluginConfigIds, count);
    let outcome: BatchOutcome;
    try {
      outcome = await this.#dispatcher.batch(fn, pluginConfigIds, events);
    } catch (error) {
      this.#meter.abandon(fn, pluginConfigIds, count);
      throw error;
    }
    this.#meter.batch(fn, pluginConfigIds, outcome, performance.now() - start);
    if (outcome.errors.length === 0) return outcome;
    for (const { plugin, error } of outcome.errors) {
      if (error.name === "TimeoutError") {
        this.#movingOut.move([pluginConfigIds[plugin] as number], `${fn} overran its deadline`);
      }
    }
    const chain = pluginConfigIds.map((id) => this.#find(id));
    return { ...outcome, errors: this.#reports.errors(fn, outcome.errors, chain, events) };
  }

  async call(
    id: number,
    type: "job" | "task",
    name: string,
    payload?: unknown,
    origin: EventOrigin = {},
  ): Promise<unknown> {
    const start = performance.now();
    if (this.#member(id).waitsForSetup) throw new PluginCallError(NOT_SET_UP);
    try {
      const value = await this.#dispatcher.call(id, type, name, payload, origin);
      this.#meter.call(id, name, null, performance.now() - start);
      return value;
    } catch (error) {
      if (error instanceof PluginCallError) {
        const member = this.#member(id);
        const record = member.mapError(error.record);
        if (record.name === "TimeoutError") this.#movingOut.move([id], `${name} overran its deadline`);
        this.#meter.call(id, name, record, performance.now() - start);
        this.#meter.failed(id, member.config.teamId, name, record);
        throw new PluginCallError(record);
      }
      throw error;
    }
  }

  async enable(pluginConfigId: number): Promise<void> {
    const member = this.#member(pluginConfigId);
    if (!member.disabled || this.#stop.signal.aborted) return;
    this.#ledgers.clear();
    member.reset();
    this.#changed.resolve();
    await this.ready();
  }

  follow(pluginConfigId: number, disabledReason: string | null): void {
    const member = this.#find(pluginConfigId);
    if (member === undefined || member.disabled === (disabledReason !== null) || this.#stop.signal.aborted) return;
    if (!member.follow(disabledReason)) return;
    this.#ledgers.clear();
    this.#changed.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stop.signal.aborted) this.#enterAll(this.#members, PluginState.Stopping);
    this.#stop.abort();
    this.#changed.resolve();
    await this.#life;
    await this.#reports.written();
  }

  /** Runs from the first start to the stop, one round for each cell. */
  async #live(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.open()));
    let waitsForWork = this.#options.lazy === true;
    while (!this.#stop.signal.aborted) {
      const changed = this.#changed = Promise.withResolvers<void>();
      const enabled = this.#members.filter((member) => !member.disabled);
      if (waitsForWork && enabled.length > 0 && enabled.every(({ capabilities }) => capabilities !== null)) {
        waitsForWork = false;
        this.#steady.settle();
        await this.#rest(enabled);
        continue;
      }
      waitsForWork = false;
      if (enabled.length > 0) {
        await this.#runCell(enabled);
      } else {
        this.#dispatcher.attach(null);
        this.#steady.settle();
        await changed.promise;
      }
    }
    this.#dispatcher.close();
    for (const member of this.#members) member.enter(PluginState.Stopped);
    this.#steady.settle();
  }

  /** Runs one cell from its start to its end, and waits afterwards as long as is due. */
  async #runCell(enabled: PluginMember[]): Promise<void> {
    const { clock } = this.#options;
    await this.#awaitPackages(enabled);
    if (this.#stop.signal.aborted) return;
    const cell = await this.#startCell(enabled).catch(notStarted);
    if (!(cell instanceof Cell)) return await this.#recover(cell, enabled, null);
    let loaded: LoadedCell | null = null;
    let retired = false;
    try {
      await bringUp(cell, enabled, { deadlineMs: this.#deadlineMs, clock, signal: this.#stop.signal });
      if (!this.#stop.signal.aborted && enabled.some((member) => !member.disabled)) {
        loaded = createLoadedCell(
          cell,
          enabled.map((member) => member.id),
          (id, ms) => this.#movingOut.noteThread(id, ms),
        );
        retired = await this.#serve(cell, loaded, enabled);
        this.#dispatcher.attach(undefined);
        await this.#quiet(loaded);
      }
    } catch (error) {
      if (!(error instanceof CellEndedError)) throw error;
      if (loaded === null && enabled.length > 1 && error.end.kind !== "start") await this.#loadEachAlone(enabled);
    }
    await takeDown(cell, enabled, this.#deadlineMs, clock);
    this.#pastCpuMs += cell.cpuMs;
    this.#cell = null;
    if (retired) await this.#rest(enabled);
    const end = await cell.ending;
    if (end.kind !== "stopped") await this.#recover(end, enabled, loaded);
  }

  /**
   * Meanwhile the members are in the state `loading`, with the reason. Events wait for them as they do for any plugin
   * that is not ready.
   */
  async #awaitPackages(members: PluginMember[]): Promise<void> {
    let waited = false;
    await this.#options.packages?.ready([...new Set(members.flatMap((member) => member.packages))], {
      signal: this.#stop.signal,
      onWait: (reason) => {
        waited = true;
        this.#enterAll(members, PluginState.Loading, reason);
      },
    });
    if (waited && !this.#stop.signal.aborted) this.#enterAll(members, PluginState.Loading);
  }

  async #startCell(members: PluginMember[]): Promise<Cell> {
    const allow = members.flatMap((member) => member.config.egress.allow);
    const denyNet = await denyNetFlag(allow, systemNames());
    const started = await this.#options.startGate?.enter();
    const { startProcess = startCellProcess } = this.#options;
    const cell = new Cell({
      process: startProcess({ memoryMb: this.#memoryBytes / MB, denyNet }),
      watch: this.#options.watch,
      deadlineMs: this.#deadlineMs,
      memoryBytes: this.#memoryBytes,
      callService: (plugin, name, args, cause) => (members[plugin] as PluginMember).services[name](args, cause),
      onLog: (batch) => this.#reports.log(members, batch),
    });
    this.#cell = cell;
    void cell.started.then(started);
    return cell;
  }

  /**
   * Accepts work until the cell ends, is no longer used (then it resolves with true), or something else is to be
   * done.
   */
  async #serve(cell: Cell, loaded: LoadedCell, members: PluginMember[]): Promise<boolean> {
    this.#enterAll(members.filter((member) => !member.waitsForSetup), PluginState.Running);
    for (const [index, member] of members.entries()) {
      if (member.waitsForSetup) void this.#setUpLate(cell, index, member);
    }
    this.#dispatcher.attach(loaded);
    this.#steady.settle();
    const over = new AbortController();
    try {
      return await Promise.race([
        cell.ending.then(() => false),
        this.#changed.promise.then(() => false),
        this.#unused(over.signal),
      ]);
    } finally {
      over.abort();
    }
  }

  async #setUpLate(cell: Cell, index: number, member: PluginMember): Promise<void> {
    const { clock } = this.#options;
    await setUpLate(cell, index, member, { deadlineMs: this.#deadlineMs, clock, signal: this.#stop.signal });
    // A cell that has no plugin left to run is not kept.
    if (member.disabled) this.#changed.resolve();
  }

  /** Resolves with true when there was no work for as long as the setting says. */
  async #unused(signal: AbortSignal): Promise<boolean> {
    const { retireAfterMs, clock } = this.#options;
    if (retireAfterMs === null) return await new Promise<boolean>(() => {});
    for (let seen = -1; !signal.aborted;) {
      if (this.#dispatcher.outstanding === 0 && this.#dispatcher.submitted === seen) return true;
      seen = this.#dispatcher.submitted;
      await clock.sleep(retireAfterMs, signal);
    }
    return false;
  }

  /** Waits without a cell until there is work. */
  async #rest(members: PluginMember[]): Promise<void> {
    this.#enterAll(members, PluginState.Idle);
    this.#woken = Promise.withResolvers<void>();
    if (this.#dispatcher.outstanding === 0) await Promise.race([this.#woken.promise, this.#changed.promise]);
    this.#enterAll(members, PluginState.Loading);
  }

  async #quiet(loaded: LoadedCell): Promise<void> {
    const over = new AbortController();
    await Promise.race([loaded.quiet(), this.#options.clock.sleep(DRAIN_MS, over.signal)]);
    over.abort();
  }

  /**
   * One of several plugins ended the cell before it could be told which. Each is tried alone, and those that end
   * their cell are disabled.
   */
  async #loadEachAlone(members: PluginMember[]): Promise<void> {
    const { clock } = this.#options;
    for (const member of members) {
      const cell = await this.#startCell([member]).catch(() => null);
      if (cell === null) return;
      try {
        await bringUp(cell, [member], { deadlineMs: this.#deadlineMs, clock, signal: this.#stop.signal });
      } catch (error) {
        if (!(error instanceof CellEndedError)) throw error;
      }
      await takeDown(cell, [member], this.#deadlineMs, clock);
    }
  }

  /** Handles an end that nobody wanted: reports it, then gives up or waits. */
  async #recover(end: CellEnd, enabled: PluginMember[], loaded: LoadedCell | null): Promise<void> {
    const didWork = (loaded?.answered ?? 0) > 0 || this.#explained === end;
    const now = this.#options.clock.now();
    const words = enabled.reduce((text, member) => member.hide(text), end.words);
    this.#restarts.push({ at: now, reason: words });
    if (this.#restarts.length > KEPT_RESTARTS) this.#restarts.shift();
    for (const { id } of enabled) this.#meter.restarted(id);
    const unseen = end.inFlight === 0 || loaded === null;
    if (unseen && end.kind !== "start" && !(end.kind === "memory" && didWork)) this.#noteIncident(end, null, null);
    if (unseen && end.kind !== "start") {
      // Those that ended their cell before they were set up are disabled by now.
      const guilty = loaded === null ? enabled.filter((member) => member.disabled) : [];
      if (guilty.length > 0) this.#movingOut.move(guilty.map(({ id }) => id), words);
      else this.#movingOut.moveAll(words);
    }
    const members = enabled.filter((member) => !member.disabled);
    const waitMs = this.#ledger(null).ended(didWork);
    for (const member of members) {
      member.say("WARN", `Plugin stopped: ${words}. Starting it again (instance ID ${this.#options.instanceId}).`);
    }
    this.#enterAll(members, PluginState.Restarting, words);
    if (members.length > 0 && waitMs > 0) await this.#options.clock.sleep(waitMs, this.#stop.signal);
  }

  #noteIncident(end: CellEnd, pluginConfigId: number | null, culprit: Culprit | null): void {
    const reason = this.#ledger(pluginConfigId).incident(end);
    const members = this.#members.filter((member) => pluginConfigId === null || member.id === pluginConfigId);
    if (pluginConfigId !== null) this.#movingOut.move([pluginConfigId], end.words);
    if (culprit !== null) {
      this.#explained = end;
      this.#reports.deadLetter(end, culprit, this.#member(culprit.pluginConfigId));
    }
    for (const member of members) {
      if (member.disabled) continue;
      if (culprit === null) {
        member.recordOwnError("process", { name: "Error", message: `Plugin stopped: ${end.words}`, retry: false });
      }
      if (reason !== null) member.giveUp(reason);
    }
  }

  #noteState(member: PluginMember, from: PluginState): void {
    const why = member.reason === null ? "" : `: ${member.reason}`;
    if (from !== member.state) {
      const words = `${member.name} (plugin config ${member.id}): ${from} → ${member.state}${why}`;
      this.#options.onNotice(words, LEVELS[member.state] ?? "info");
    }
    if (isUnsteady(member.state) && !isUnsteady(from) && !this.#stop.signal.aborted) this.#steady.unsettle();
  }

  #enterAll(members: PluginMember[], state: PluginState, reason: string | null = null): void {
    for (const member of members) {
      if (!member.disabled) member.enter(state, reason);
    }
  }

  #ledger(pluginConfigId: number | null): DeathLedger {
    const ledger = this.#ledgers.get(pluginConfigId) ?? createDeathLedger(this.#options.clock.now);
    this.#ledgers.set(pluginConfigId, ledger);
    return ledger;
  }

  #find(pluginConfigId: number): PluginMember | undefined {
    return this.#members.find((member) => member.id === pluginConfigId);
  }

  #member(pluginConfigId: number): PluginMember {
    const member = this.#find(pluginConfigId);
    if (member !== undefined) return member;
    throw new RangeError(
      `Cannot find plugin config ${pluginConfigId}: this cell has ${this.pluginConfigIds.join(", ")}`,
    );
  }
}
