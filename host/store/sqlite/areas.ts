/**
 * The areas of the store inside its thread: the same methods, but synchronous.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { DeadLetters, Jobs, PluginConfigs, PluginLogs, PluginStorage, Settings, Ticks } from "../store.ts";
import type { Problems, Series, Sightings } from "../observed.ts";
import type { Audit, Things } from "../things.ts";
import { createAudit } from "./audit.ts";
import { createDeadLetters } from "./dead_letters.ts";
import { createJobs } from "./jobs.ts";
import { createPluginConfigs } from "./plugin_configs.ts";
import { createPluginLogs } from "./plugin_logs.ts";
import { createPluginStorage } from "./plugin_storage.ts";
import { createProblems } from "./observed/problems.ts";
import { createSeries } from "./observed/series.ts";
import { createSettings } from "./settings.ts";
import { createSightings } from "./observed/sightings.ts";
import { createThings } from "./things.ts";
import { createTicks } from "./ticks.ts";
import type { Sync } from "./sync.ts";

export interface Areas {
  jobs: Jobs;
  storage: PluginStorage;
  pluginConfigs: PluginConfigs;
  logs: PluginLogs;
  deadLetters: DeadLetters;
  ticks: Ticks;
  settings: Settings;
  series: Series;
  problems: Problems;
  sightings: Sightings;
  things: Things;
  audit: Audit;
}

export type SyncAreas = { [Area in keyof Areas]: Sync<Areas[Area]> };

/** All areas on one open database. */
export function createAreas(db: DatabaseSync, now: () => number): SyncAreas {
  return {
    jobs: createJobs(db, now),
    storage: createPluginStorage(db),
    pluginConfigs: createPluginConfigs(db),
    logs: createPluginLogs(db),
    deadLetters: createDeadLetters(db, now),
    ticks: createTicks(db, now),
    settings: createSettings(db),
    series: createSeries(db),
    problems: createProblems(db),
    sightings: createSightings(db),
    things: createThings(db, now),
    audit: createAudit(db),
  };
}
