/**
 * `start`: runs the service until a signal ends it.
 * @module
 */

import { printable } from "../../runtime/printable.ts";
import { loadConfig } from "../config/load_config.ts";
import { ConfigError } from "../config/read_config.ts";
import { UsageError } from "../config/read_settings.ts";
import { loadAdminToken } from "../http/access/admin_token.ts";
import { tellTroubleTo } from "../trouble.ts";
import { VERSION } from "../version.ts";
import { announce } from "../service/announce.ts";
import { isExporting } from "../exporting.ts";
import { followChanges } from "../service/changes/follow_changes.ts";
import { createNotices, type Level } from "../service/notices.ts";
import { openDataFolder } from "../service/upkeep/data_folder.ts";
import { emptyCoreDumps } from "../service/upkeep/empty_core_dumps.ts";
import { type Service, startService } from "../service/service.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { terminal } from "./program/terminal.ts";

/** How long the announcement waits for slow plugins. */
const ANNOUNCE_MS = 10_000;

/**
 * Ends the process after SIGINT or SIGTERM once the service has stopped, or at once after a second signal. Throws a
 * UsageError.
 */
export async function start(given: GivenSettings): Promise<void> {
  await runService(given);
  // A client that does not finish its request would keep the process alive after everything else has ended.
  Deno.exit();
}

/** What a command that runs the service does besides. */
export interface RunOptions {
  /** Moves the event log of the data folder to Kafka. */
  moving?: boolean;
  /** Called when it listens. When it resolves with a reason, the service ends, as after a signal. */
  meanwhile?(service: Service): Promise<string>;
}

/** Returns when the service has ended, after SIGINT or SIGTERM. Throws UsageError. */
export async function runService({ settings, configGiven }: GivenSettings, options: RunOptions = {}): Promise<void> {
  const { logLevel: level, logFormat: format } = settings;
  const notices = createNotices({ level, format, write: isExporting() ? writeByLevel : terminal.note, now: Date.now });
  tellTroubleTo(notices.error);
  await emptyCoreDumps();
  const config = await loadConfig(settings, configGiven).catch((error) => {
    throw error instanceof ConfigError ? new UsageError([error.message]) : error;
  });
  const stopped = onSignal();
  await openDataFolder(settings.data);
  const admin = await loadAdminToken(settings.data, settings.adminToken ?? undefined);
  const adminToken = admin.token;
  await using service = await startService({
    settings,
    config,
    adminToken,
    notices,
    version: VERSION,
    moving: options.moving ?? false,
  });

  const watching = new AbortController();
  const following = followChanges({ settings, configGiven, config, service, notices, signal: watching.signal });
  const patience = Promise.withResolvers<void>();
  const timer = setTimeout(patience.resolve, ANNOUNCE_MS);
  const early = await Promise.race([stopped, patience.promise, service.ready()]);
  clearTimeout(timer);
  if (early === undefined && format === "json") notices.info(`Hogpen ${VERSION} listens at ${service.url}`);
  if (early === undefined && format === "text") {
    terminal.print(
      announce({
        role: settings.hostRole,
        version: VERSION,
        url: service.url,
        adminUrl: service.adminUrl,
        host: settings.host,
        config,
        plugins: service.plugins,
        admin,
        isTerminal: Deno.stdout.isTerminal(),
      }),
    );
  }
  const reason = await Promise.race([stopped, ...options.meanwhile ? [options.meanwhile(service)] : []]);
  watching.abort();
  notices.info(`${reason}: finishing what is in flight; a second signal ends it at once`);
  await following;
}

/**
 * Deno's OpenTelemetry exporter derives the level of a line from the console function that prints it. Those for debug
 * and info write to standard output.
 */
function writeByLevel(line: string, level: Level): void {
  console[level](printable(line));
}

/** Resolves with the name of the first signal. The second signal ends the process. */
function onSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let count = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (++count > 1) Deno.exit(name === "SIGINT" ? 130 : 143);
      resolve(name);
    });
  }
  return promise;
}
