/**
 * Runs the jobs of this host's plugins and the retries that the service schedules itself, and deletes what ended long
 * ago. Jobs run at least once: a job is leased, run and only then marked as done, so the job of a host that died runs
 * again when its lease expires.
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
  /** Identifies this run of this host in leases. */
  owner: string;
  /** How many jobs of one plugin config run at a time. Default 8. */
  perPlugin?: number;
  /** How long it may take to notice jobs that were enqueued by other hosts or were held by a dead one. Default 5 s. */
  pollMs?: number;
  /** How long finished jobs remain listed. Default 7 days. */
  keepMs?: number;
  /** How long a stop waits for running jobs. Default 10 s. */
  drainMs?: number;
  /** Called when the store fails. */
  onError?(error: unknown): void;
}

export interface JobRunner extends AsyncDisposable {
  /** To be called when a job was enqueued, or when a plugin became able to run jobs. */
  wake(): void;
}

const DEFAULT_PER_PLUGIN = 8;
const DEFAULT_POLL_MS = 5_000;
const DEFAULT_KEEP_MS = 7 * 24 * 3_600_000;
const PRUNE_EVERY_MS = 300_000;
/** Dead letters kept for each consumer: a plugin that fails for every event must not fill the disk. */
const KEPT_LETTERS = 10_000;
const KEEP_LETTERS_MS = 30 * 24 * 3_600_000;
const DEFAULT_DRAIN_MS = 10_000;
/**
 * The jobs of a dead host become available after this time. A host that is still running them prolongs its lease before
 * that.
 */
const LEASE_MS = 30_000;
const EXTEND_MS = 10_000;
/** How long until a job that could not be run is tried again. */
const RETURN_MS = 5_000;

/** Jobs that run together: a single job, or retries of one function. */
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
  /** By job id. */
  const leased = new Map<string, Job>();
  const inFlight = new Set<Promise<void>>();
  /** The last group of retries of each function. */
  const lanes = new Map<string, Promise<void>>();
  let wakeUp = new AbortController();
  let pruneAt = clock.now();

  function wake(): void {
    wakeUp.abort();
  }

  async function loop(): Promise<void> {
    // Otherwise the jobs that this host was running when it was killed would wait for their leases to expire.
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

  /** Starts the jobs that are due; returns how long there is nothing else to do. */
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
    // Claims no more than the plugin with the fewest free slots can take, so that no plugin gets more than it has slots
    // for.
    const limit = Math.min(...ids.map(slotsOf));
    const claimed = await jobs.claim(ids, clock.now(), limit, LEASE_MS, owner);
    for (const group of groupsOf(claimed.filter(({ id }) => !leased.has(id)))) start(group);
    if (claimed.length === limit) return 0;
    const next = await jobs.nextRunAt(ids);
    return next === null ? pollMs : Math.min(Math.max(next - clock.now(), 0), pollMs);
  }

  /** While a plugin is being set up it would hold the lease for minutes. */
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

  /** Retries of one function run one group after another, which leaves the function free for newly arriving events. */
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
    /** Claims no more jobs. Jobs that are still running after the drain time are left to their leases. */
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

/**
 * Groups the retries of one per-event function. Any other job stays alone: a retried exportEvents is a batch already.
 */
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
