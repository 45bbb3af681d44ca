/**
 * Starts the server that the settings ask for.
 * @module
 */

import type { Settings } from "../../config/settings.ts";
import type { App } from "../app.ts";
import { serve, type ServeOptions, type Server } from "./serve.ts";
import { serveTls } from "./serve_tls.ts";

export interface ListenOptions extends Omit<ServeOptions, "tls"> {
  settings: Pick<Settings, "tlsCert" | "tlsKey" | "reusePort">;
  notices: { info(message: string): void; warn(message: string): void };
}

/** Throws as `serve` and `serveTls` do. */
export function listen(app: Pick<App, "fetch">, { host, port, settings, notices }: ListenOptions): Server {
  const { tlsCert: cert, tlsKey: key, reusePort } = settings;
  if (cert === null || key === null) return serve(app, { host, port, reusePort });
  return serveTls(app, {
    host,
    port,
    reusePort,
    files: { cert, key },
    onNotice: notices.info,
    onTrouble: notices.warn,
  });
}
