/**
 * The one or two servers of the service. They may accept connections before the apps are ready.
 * @module
 */

import { UsageError } from "../../config/read_settings.ts";
import { SETTINGS, type Settings } from "../../config/settings.ts";
import type { App, Apps } from "../app.ts";
import { listen, type ListenOptions } from "./listen.ts";
import type { Server } from "./serve.ts";

export interface Servers extends AsyncDisposable {
  readonly open: Server;
  /** The same server unless the admin side has a port of its own. */
  readonly admin: Server;
  /** Answers requests from now on, starting with those that wait. */
  answer(apps: Apps): void;
}

type ServersSettings = ListenOptions["settings"] & Pick<Settings, "host" | "port" | "adminHost" | "adminPort">;

/**
 * Deno exits when a shared port is requested without this flag. The flag must not apply to cells, so it is not in
 * deno.json.
 */
const FLAG = "--unstable-net";

/** Throws as `listen` does, and UsageError when ports cannot be shared. */
export function openServers(settings: ServersSettings, notices: ListenOptions["notices"]): Servers {
  if (settings.reusePort && !("listenDatagram" in Deno)) {
    throw new UsageError([`${SETTINGS.reusePort.env}: found no ${FLAG}, expected deno to be run with it`]);
  }
  const { promise, resolve } = Promise.withResolvers<Apps>();
  let current: Apps | undefined;
  void promise.then((apps) => current = apps);
  const later = (side: keyof Apps): Pick<App, "fetch"> => ({
    fetch: (...given) => current?.[side].fetch(...given) ?? promise.then((apps) => apps[side].fetch(...given)),
  });
  const { host, port, adminHost, adminPort } = settings;
  const open = listen(later("open"), { host, port, settings, notices });
  try {
    const admin = adminPort === null
      ? open
      : listen(later("admin"), { host: adminHost, port: adminPort, settings, notices });
    return {
      open,
      admin,
      answer: resolve,
      async [Symbol.asyncDispose]() {
        await Promise.all([...new Set([open, admin])].map((server) => server[Symbol.asyncDispose]()));
      },
    };
  } catch (error) {
    void open[Symbol.asyncDispose]();
    throw error;
  }
}
