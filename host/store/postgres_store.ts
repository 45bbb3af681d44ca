/**
 * The store on Postgres, for several hosts that share their work.
 * @module
 */

import { BackEndError, toBackEndError } from "../back_end_error.ts";
import { Connection, type PostgresOptions } from "./postgres/connection.ts";
import { createAudit } from "./postgres/audit.ts";
import { createDeadLetters } from "./postgres/dead_letters.ts";
import { createJobs } from "./postgres/jobs.ts";
import { createPluginConfigs } from "./postgres/plugin_configs.ts";
import { createPluginLogs } from "./postgres/plugin_logs.ts";
import { createPluginStorage } from "./postgres/plugin_storage.ts";
import { createProblems } from "./postgres/observed/problems.ts";
import { createSeries } from "./postgres/observed/series.ts";
import { createSettings } from "./postgres/settings.ts";
import { createSightings } from "./postgres/observed/sightings.ts";
import { createThings } from "./postgres/things.ts";
import { createTicks } from "./postgres/ticks.ts";
import type { Store } from "./store.ts";

/**
 * Applies missing migrations first. Resolves also when Postgres is unavailable, because intake does not need it.
 * Rejects with a BackEndError when Postgres refuses the connection (password, database) or its tables are newer than
 * this version.
 */
export async function openPostgresStore(url: string, options: PostgresOptions = {}): Promise<Store> {
  const connection = new Connection(checkUrl(url), options);
  try {
    await connection.open();
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw toBackEndError(error);
  }
  const now = options.now ?? Date.now;
  return {
    jobs: createJobs(connection.run, now),
    storage: createPluginStorage(connection.run),
    pluginConfigs: createPluginConfigs(connection.run),
    logs: createPluginLogs(connection.run),
    deadLetters: createDeadLetters(connection.run, now),
    ticks: createTicks(connection.run, now),
    settings: createSettings(connection.run),
    series: createSeries(connection.run),
    problems: createProblems(connection.run),
    sightings: createSightings(connection.run),
    things: createThings(connection.run, now),
    audit: createAudit(connection.run),
    ping: () => connection.ping(),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** Checks the address. It may hold a password, so the error does not repeat it. */
function checkUrl(text: string): string {
  const url = URL.parse(text);
  if (url && (url.protocol === "postgres:" || url.protocol === "postgresql:") && url.hostname) return text;
  throw new BackEndError(
    "Cannot connect to Postgres: expected an address like postgres://user:password@host:5432/name in DATABASE_URL",
  );
}
