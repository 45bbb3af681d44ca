/**
 * Polls the service while somebody reads the live feed, and publishes what changed: states, counters, lag and jobs.
 * @module
 */

import type { ConsumerControl } from "../../consumers/consumer_status.ts";
import type { Jobs } from "../../store/store.ts";
import type { Point } from "../../store/observed.ts";
import { differenceOf } from "../../store/points.ts";
import type { Counters } from "../../telemetry/counters.ts";
import type { Plugins } from "../routes/plugin_configs.ts";
import type { LiveFeed, Topic } from "./live_feed.ts";

export interface WatchedService {
  plugins: Pick<Plugins, "list">;
  consumers: Pick<ConsumerControl, "list">;
  counters: Pick<Counters, "read">;
  jobs: Pick<Jobs, "list">;
}

const EVERY_MS = 1000;
const JOBS = 50;

/** Starts to poll when the first reader subscribes. */
export function watchService(feed: LiveFeed, service: WatchedService): Disposable {
  const told = new Map<string, string>();
  let counted: Map<string, Point> | null = null;
  let looking = false;

  /** Publishes the data unless it equals what was published last. */
  function tell(topic: Topic, key: string, scope: { pluginConfigId?: number; teamId?: number }, data: unknown): void {
    const text = JSON.stringify(data);
    if (told.get(key) === text) return;
    told.set(key, text);
    feed.publish({ topic, ...scope, data });
  }

  function tellStates(): void {
    for (const { config: { id, teamId, enabled }, status: { state, reason, memoryBytes } } of service.plugins.list()) {
      const megabytes = memoryBytes === null ? null : Math.round(memoryBytes / 1024 / 1024);
      const data = { plugin_config_id: id, team_id: teamId, enabled, state, reason, memory_mb: megabytes };
      tell("states", `state ${id}`, { pluginConfigId: id, teamId }, data);
    }
  }

  function tellCounters(): void {
    const now = service.counters.read();
    const before = counted;
    counted = now;
    // The first poll is only the baseline for counting.
    if (before === null) return;
    const subjects: Record<string, Point> = {};
    for (const [subject, point] of now) {
      const difference = differenceOf(before.get(subject), point);
      if (difference !== null && Object.keys(difference).some((name) => name !== "in_flight")) {
        subjects[subject] = difference;
      }
    }
    if (Object.keys(subjects).length > 0) {
      feed.publish({ topic: "counters", data: { seconds: EVERY_MS / 1000, subjects } });
    }
  }

  async function tellLag(): Promise<void> {
    for (const { id, project, state, lag, lastError } of await service.consumers.list()) {
      const data = {
        id,
        project,
        state,
        lag: { events: lag.events, seconds: Math.round(lag.seconds) },
        last_error: lastError,
      };
      tell("lag", `lag ${id}`, { teamId: project }, data);
    }
  }

  async function tellJobs(): Promise<void> {
    const { results } = await service.jobs.list({ limit: JOBS });
    for (const { id, kind, type, pluginConfigId, teamId, state, attempt, lastError } of results) {
      const data = { id, kind, type, plugin_config_id: pluginConfigId, state, attempt, last_error: lastError };
      tell("jobs", `job ${id}`, { pluginConfigId, teamId }, data);
    }
    if (told.size > 10_000) told.clear();
  }

  async function look(): Promise<void> {
    if (looking) return;
    if (feed.readers === 0) {
      counted = null;
      return;
    }
    looking = true;
    try {
      if (feed.wanted.has("states")) tellStates();
      if (feed.wanted.has("counters")) tellCounters();
      if (feed.wanted.has("lag")) await tellLag();
      if (feed.wanted.has("jobs")) await tellJobs();
    } catch {
      // The store is unavailable; the next poll tries again.
    } finally {
      looking = false;
    }
  }

  const timer = setInterval(() => void look(), EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
