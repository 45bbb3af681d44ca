/**
 * Runs the scheduled tasks of this host's plugins. Each tick is run by one host, the one that claims it in the store. A
 * tick is skipped while the previous run is still going on, and is not made up for if no host was running when it was
 * due.
 * @module
 */

import type { HostedPlugin, HostedPlugins } from "../loader/hosted_plugin.ts";
import { PluginCallError, PluginState } from "../cells/plugin_runtime.ts";
import type { Clock } from "../clock.ts";
import type { PluginJournal } from "../loader/plugin_journal.ts";
import type { Store } from "../store/store.ts";
import { nextTick, type ScheduledTask, scheduledTasks, toleratedLatenessMs } from "./scheduled_tasks.ts";

export interface SchedulerOptions {
  store: Pick<Store, "ticks">;
  plugins: HostedPlugins;
  journal: PluginJournal;
  clock: Clock;
  /** Identifies this run of this host in claims. */
  owner: string;
  /** How long a stop waits for running tasks. Default 10 s. */
  drainMs?: number;
  /** Called when the store fails. */
  onError?(error: unknown): void;
}

export interface UpcomingTask {
  task: string;
  cron: string;
  nextRunAt: number | null;
  /** The last run on this host since it started. */
  lastRun: { at: number; ms: number; error: string | null } | null;
}

export interface Scheduler extends AsyncDisposable {
  /** To be called when plugins were loaded, replaced or removed. */
  refresh(): void;
  /** When each task runs next, for the API. */
  upcoming(pluginConfigId: number): UpcomingTask[];
  /**
   * Runs a task now, whether or not it is due. Rejects with the error that it threw, or if the plugin has no such task.
   */
  run(pluginConfigId: number, task: string): Promise<void>;
}

const DEFAULT_DRAIN_MS = 10_000;
/**
 * The task of a dead host can be claimed after this time. A host that is still running it prolongs its lease before
 * that.
 */
const LEASE_MS = 60_000;
const EXTEND_MS = 20_000;
/** A plugin that becomes able to run tasks without `refresh` being called is noticed within this time. */
const LOOK_AGAIN_MS = 60_000;
/**
 * A tick whose claim failed because the store was away is claimed again after this time, unless it is then too late.
 */
const CLAIM_AGAIN_MS = 5_000;

interface Tick {
  pluginConfigId: number;
  task: ScheduledTask;
  at: number;
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { store: { ticks }, plugins, journal, clock, owner } = options;
  const stop = new AbortController();
  const inFlight = new Map<string, Promise<void>>();
  /** Invalid expressions that were already reported, by plugin config and task. */
  const refused = new Set<string>();
  const lastRuns = new Map<string, UpcomingTask["lastRun"]>();
  let refreshed = new AbortController();
  /** Ticks up to this time have been handled. */
  let done = clock.now();

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      refreshed = new AbortController();
      const due = ticksAfter(done);
      const first = due.reduce((earliest, { at }) => Math.min(earliest, at), done + LOOK_AGAIN_MS);
      await clock.sleep(first - clock.now(), AbortSignal.any([refreshed.signal, stop.signal]));
      if (stop.signal.aborted) return;
      // Plugins may have come or gone in the meantime, so what is due is computed again.
      const now = clock.now();
      if (now < first) continue;
      for (const tick of ticksAfter(done)) if (tick.at <= now) begin(tick, now);
      done = now;
    }
  }

  /** The next tick of every task whose plugin is able to run it. */
  function ticksAfter(time: number): Tick[] {
    return Array.from(plugins.values()).flatMap((plugin) => {
      const { pluginConfigId } = plugin;
      return isAble(plugin)
        ? tasksOf(plugin).flatMap((task) => {
          const at = nextTick(task.cron, time);
          return at === null ? [] : [{ pluginConfigId, task, at }];
        })
        : [];
    });
  }

  /** A plugin whose setup has not yet succeeded misses its ticks. */
  function isAble({ pluginConfigId, runtime }: HostedPlugin): boolean {
    const { state } = runtime.status(pluginConfigId);
    return state === PluginState.Running || state === PluginState.Idle || state === PluginState.Restarting;
  }

  function tasksOf({ pluginConfigId, runtime, manifest }: HostedPlugin): ScheduledTask[] {
    const { capabilities } = runtime.status(pluginConfigId);
    if (capabilities === null) return [];
    return scheduledTasks(capabilities, manifest).filter(({ name, cron }) => isCron(pluginConfigId, name, cron));
  }

  function isCron(pluginConfigId: number, name: string, cron: string): boolean {
    try {
      nextTick(cron, clock.now());
      return true;
    } catch (error) {
      const key = `${pluginConfigId} ${name} ${cron}`;
      if (!refused.has(key)) {
        refused.add(key);
        const message = error instanceof Error ? error.message : String(error);
        journal.system(pluginConfigId, "ERROR", `Cannot schedule ${name} by ${JSON.stringify(cron)}: ${message}`);
      }
      return false;
    }
  }

  function begin(tick: Tick, now: number): void {
    const key = `${tick.pluginConfigId} ${tick.task.name}`;
    const skippedAt = skipAt(tick);
    // The previous run is still going on, or this host was suspended for so long that the tick is of no use any more.
    if (inFlight.has(key) || now >= skippedAt) return;
    const run = claimAndRun(tick, skippedAt).catch((error) => options.onError?.(error)).finally(() => {
      inFlight.delete(key);
    });
    inFlight.set(key, run);
  }

  function skipAt({ task, at }: Tick): number {
    return at + toleratedLatenessMs(task.cron, at);
  }

  async function claimAndRun(tick: Tick, skippedAt: number): Promise<void> {
    const { pluginConfigId, task: { name }, at } = tick;
    if (!await claim(tick, skippedAt)) return;
    const over = new AbortController();
    const extending = extend(tick, over.signal);
    try {
      await call(pluginConfigId, name);
    } catch (error) {
      // Any other error means that the runtime is being closed.
      if (error instanceof PluginCallError) journal.error(pluginConfigId, error.record);
      else if (!stop.signal.aborted) journal.system(pluginConfigId, "WARN", `${name} was not run at ${at}: ${error}`);
    } finally {
      over.abort();
      await extending;
      await ticks.finish(pluginConfigId, name, owner);
    }
  }

  async function call(pluginConfigId: number, name: string): Promise<void> {
    const at = clock.now();
    const note = (error: string | null) =>
      lastRuns.set(`${pluginConfigId} ${name}`, { at, ms: clock.now() - at, error });
    try {
      await plugins.get(pluginConfigId)?.runtime.call(pluginConfigId, "task", name);
      note(null);
    } catch (error) {
      note(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async function claim({ pluginConfigId, task: { name }, at }: Tick, skippedAt: number): Promise<boolean> {
    while (!stop.signal.aborted && clock.now() < skippedAt) {
      try {
        return await ticks.claim(pluginConfigId, name, at, LEASE_MS, owner);
      } catch (error) {
        options.onError?.(error);
        await clock.sleep(CLAIM_AGAIN_MS, stop.signal);
      }
    }
    return false;
  }

  async function extend({ pluginConfigId, task: { name } }: Tick, over: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(EXTEND_MS, over);
      if (over.aborted) return;
      await ticks.extend(pluginConfigId, name, LEASE_MS, owner).catch((error) => options.onError?.(error));
    }
  }

  const looping = loop();
  return {
    refresh: () => refreshed.abort(),
    upcoming(pluginConfigId) {
      const plugin = plugins.get(pluginConfigId);
      if (plugin === undefined) return [];
      return tasksOf(plugin).map(({ name, cron }) => ({
        task: name,
        cron,
        nextRunAt: nextTick(cron, clock.now()),
        lastRun: lastRuns.get(`${pluginConfigId} ${name}`) ?? null,
      }));
    },
    async run(pluginConfigId, task) {
      try {
        await call(pluginConfigId, task);
      } catch (error) {
        if (error instanceof PluginCallError) journal.error(pluginConfigId, error.record);
        throw error;
      }
    },
    /** Starts no more tasks, and waits for those that are running. */
    async [Symbol.asyncDispose]() {
      stop.abort();
      await looping;
      const over = new AbortController();
      await Promise.race([
        Promise.all(inFlight.values()),
        clock.sleep(options.drainMs ?? DEFAULT_DRAIN_MS, over.signal),
      ]);
      over.abort();
    },
  };
}
