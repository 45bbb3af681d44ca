/**
 * Runs the jobs of the plugins on this host, and the retries that the service makes for itself, and clears away what is over long ago. At least once: a job is leased, run, and only then
 * written off, so one whose host died runs again when its lease has ended.
 * @module
 */

import type { Clock } from "../clock.ts";
import { keepTrying } from "../consumers/keep_trying.ts";
import { TryLaterError } from "../consumers/sink.ts";
import type { HostedPlugin, HostedPlugins } from "../loader/hosted_plugin.ts";
import type { PluginJournal } from "../loader/plugin_journal.ts";
import { PluginState } from "../cells/plugin_runtime.ts";
import type { Job, NewDeadLetter, Store } from "../store/store.ts";
import { describeError, type JobVerdict } from "./job_verdict.ts";
import { runPluginJob } from "./run_plugin_job.ts";
import { runRetries } from "./run_retries.ts";

export interface JobRunnerOptions {
  store: Pick<Store, "jobs" | "deadLetters">;
  plugins: HostedPlugins;
  journal: PluginJournal;
  clock: Clock;
  /** Names this run of this host in leases. */
  owner: string;
  /** Jobs of one plugin config that run at a time. Default 8. */
  perPlugin?: number;
  /** How long jobs that were enqueued by others, or that a dead host held, can go unnoticed. Default 5 s. */
  pollMs?: number;
  /** How long jobs that are over can still be listed. Default 7 days. */
  keepMs?: number;
  /** How long a stop waits for the jobs that run. Default 10 s. */
  drainMs?: number;
  /** Told of outages of the store. */
  onError?(error: unknown): void;
}

export interface JobRunner extends AsyncDisposable {
  /** To be called when a job was enqueued or a plugin became able to run some. */
  wake(): void;
}

const DEFAULT_PER_PLUGIN = 8;
const DEFAULT_POLL_MS = 5_000;
const DEFAULT_KEEP_MS = 7 * 24 * 3_600_000;
const PRUNE_EVERY_MS = 300_000;
/** Of each consumer: a plugin that fails for every event must not fill the disk. */
const KEPT_LETTERS = 10_000;
const KEEP_LETTERS_MS = 30 * 24 * 3_600_000;
const DEFAULT_DRAIN_MS = 10_000;
/** A host that died gives its jobs back after this; one that runs them says so in time. */
const LEASE_MS = 30_000;
const EXTEND_MS = 10_000;
/** When a job that could not be run is looked at again. */
const RETURN_MS = 5_000;

/** Jobs that run together: one, or the retries of one function. */
interface Group {
  pluginConfigId: number;
  jobs: [Job, ...Job[]];
}

export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const { store: { jobs, deadLetters }, plugins, journal, clock, owner } = options;
  const perPlugin = options.perPlugin ?? DEFAULT_PER_PLUGIN;
  const pollMs = options.pollMs ?? DEFAULT_POLL_MS;
  const stop = new AbortController();
  const kill = new AbortController();
  /** By id of the job. */
  const leased = new Map<string, Job>();
  const inFlight = new Set<Promise<void>>();
  /** The last group of each function's retries. */
  const lanes = new Map<string, Promise<void>>();
  let wakeUp = new AbortController();
  let pruneAt = clock.now();

  function wake(): void {
    wakeUp.abort();
  }

  async function loop(): Promise<void> {
    // What this host was running when it was killed would otherwise wait for its lease to end.
    await certainly(() => jobs.release(owner), stop.signal).catch(() => {});
    while (!stop.signal.aborted) {
      wakeUp = new AbortController();
      const waitMs = await certainly(turn, stop.signal).catch(() => 0);
      if (waitMs > 0) await clock.sleep(waitMs, AbortSignal.any([wakeUp.signal, stop.signal]));
    }
  }

  async function keepLeases(): Promise<void> {
    for (;;) {
      await clock.sleep(EXTEND_MS, kill.signal);
      if (kill.signal.aborted) return;
      if (leased.size > 0) await jobs.extend([...leased.keys()], LEASE_MS, owner).catch(onError);
    }
  }

  /** Starts what is due; returns how long there is nothing to do. */
  async function turn(): Promise<number> {
    if (clock.now() >= pruneAt) {
      pruneAt = clock.now() + PRUNE_EVERY_MS;
      await jobs.prune(clock.now() - (options.keepMs ?? DEFAULT_KEEP_MS));
      await deadLetters.prune(KEPT_LETTERS, clock.now() - KEEP_LETTERS_MS);
    }
    const able = Array.from(plugins.values()).filter(isAble);
    const free = able.filter(({ pluginConfigId }) => slotsOf(pluginConfigId) > 0);
    if (free.length === 0) return pollMs;
    const ids = free.map(({ pluginConfigId }) => pluginConfigId);
    // No more than the fullest one can take, so that no plugin gets more than it has slots for.
    const limit = Math.min(...ids.map(slotsOf));
    const claimed = await jobs.claim(ids, clock.now(), limit, LEASE_MS, owner);
    for (const group of groupsOf(claimed.filter(({ id }) => !leased.has(id)))) start(group);
    if (claimed.length === limit) return 0;
    const next = await jobs.nextRunAt(ids);
    return next === null ? pollMs : Math.min(Math.max(next - clock.now(), 0), pollMs);
  }

  /** A plugin that is being set up would hold the lease for minutes. */
  function isAble({ pluginConfigId, runtime }: HostedPlugin): boolean {
    const { state } = runtime.status(pluginConfigId);
    return state === PluginState.Running || state === PluginState.Idle;
  }

  function slotsOf(pluginConfigId: number): number {
    let taken = 0;
    for (const job of leased.values()) if (job.pluginConfigId === pluginConfigId) taken++;
    return perPlugin - taken;
  }

  function start(group: Group): void {
    for (const job of group.jobs) leased.set(job.id, job);
    const done = inTurn(group).catch(onError).finally(() => {
      for (const { id } of group.jobs) leased.delete(id);
      inFlight.delete(done);
      wake();
    });
    inFlight.add(done);
  }

  /** Retries of one function run one batch after the other, so that the events that come anew find room beside them. */
  function inTurn(group: Group): Promise<void> {
    const { pluginConfigId, jobs: [{ kind, type }] } = group;
    if (kind === "plugin") return run(group);
    const lane = `${type}:${pluginConfigId}`;
    const done = (lanes.get(lane) ?? Promise.resolve()).then(() => run(group));
    const settled = done.catch(() => {}).finally(() => {
      if (lanes.get(lane) === settled) lanes.delete(lane);
    });
    lanes.set(lane, settled);
    return done;
  }

  async function run(group: Group): Promise<void> {
    const verdicts = await judge(group);
    const write = (job: Job, index: number) => certainly(() => writeDown(job, verdicts[index]), kill.signal);
    if (!kill.signal.aborted) await Promise.all(group.jobs.map(write));
  }

  async function judge({ pluginConfigId, jobs: group }: Group): Promise<JobVerdict[]> {
    const plugin = plugins.get(pluginConfigId);
    const [first] = group;
    const all = (verdict: JobVerdict): JobVerdict[] => group.map(() => verdict);
    if (plugin === undefined) return all({ kind: "returned", reason: "The plugin is not loaded" });
    try {
      if (first.kind === "plugin") return [await runPluginJob(plugin, first, journal)];
      const bury = (letters: NewDeadLetter[]) => certainly(() => deadLetters.add(letters), kill.signal);
      return await runRetries(group, { plugins, journal, bury });
    } catch (error) {
      if (error instanceof TryLaterError || kill.signal.aborted) {
        return all({ kind: "returned", reason: String(error) });
      }
      onError(error);
      return all({ kind: "failed", error: { name: "Error", message: String(error), retry: false } });
    }
  }

  async function writeDown({ id, attempt }: Job, verdict: JobVerdict | undefined): Promise<void> {
    const now = clock.now();
    switch (verdict?.kind) {
      case "done":
        return await jobs.complete(id, owner);
      case "retry":
        return await jobs.retry(id, owner, now + verdict.delayMs, attempt + 1, describeError(verdict.error));
      case "returned":
        return await jobs.retry(id, owner, now + RETURN_MS, attempt, verdict.reason);
      case "failed":
        return await jobs.fail(id, owner, describeError(verdict.error));
    }
  }

  function certainly<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return keepTrying(action, { clock, signal, onError });
  }

  function onError(error: unknown): void {
    if (!kill.signal.aborted) options.onError?.(error);
  }

  const looping = loop();
  const keeping = keepLeases();
  return {
    wake,
    /** Claims nothing more; what still runs after the drain time is left to its lease. */
    async [Symbol.asyncDispose]() {
      stop.abort();
      await looping;
      const over = new AbortController();
      await Promise.race([Promise.all(inFlight), clock.sleep(options.drainMs ?? DEFAULT_DRAIN_MS, over.signal)]);
      over.abort();
      kill.abort();
      await keeping;
    },
  };
}

/** The retries of one function together, any other job alone: an export is a batch of its own. */
function groupsOf(jobs: Job[]): Group[] {
  const groups = new Map<string, Group>();
  for (const job of jobs) {
    const { pluginConfigId, kind, type, id } = job;
    const key = kind === "onEvent" ? `${type}:${pluginConfigId}` : id;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { pluginConfigId, jobs: [job] });
    else group.jobs.push(job);
  }
  return [...groups.values()];
}
