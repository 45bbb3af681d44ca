/**
 * The capture API over a real event log in a folder of its own, for tests.
 * @module
 */

import type { PluginEvent } from "../../runtime/events/event.ts";
import { createSdkRoutes, type SdkRoutesOptions } from "../../host/capture/sdk/sdk_routes.ts";
import type { ProjectConfig } from "../../host/config/config.ts";
import type { EventLog } from "../../host/log/event_log.ts";
import { serve, type Server } from "../../host/http/listen/serve.ts";
import { openSqliteEventLog } from "../../host/log/sqlite_event_log.ts";

export const TOKEN = "phc_local";
export const PERSONAL_KEY = "phx_personal";
export const NOW = Date.parse("2026-05-04T10:20:30.400Z");

export function projectConfig(fields: Partial<ProjectConfig> = {}): ProjectConfig {
  return {
    id: 1,
    name: "Test",
    token: TOKEN,
    anonymizeIps: false,
    isolation: "each",
    plugins: [],
    destinations: [],
    ...fields,
  };
}

export interface CaptureService extends AsyncDisposable {
  log: EventLog;
  request(path: string, init?: RequestInit, remoteAddr?: Deno.Addr): Promise<Response>;
  /** Posts JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Listens on a free port of the loopback until disposed. */
  listen(): Server;
  /** Everything stored so far. */
  events(project?: number): Promise<PluginEvent[]>;
}

export async function startCaptureService(
  projects: ProjectConfig[] = [projectConfig()],
  options: Partial<SdkRoutesOptions> = {},
): Promise<CaptureService> {
  const folder = await Deno.makeTempDir();
  const log = await openSqliteEventLog({ path: `${folder}/log.sqlite`, synchronous: "off" });
  const app = createSdkRoutes({
    projects: {
      byToken: (token) => projects.find((project) => project.token === token),
      byId: (id) => projects.find((project) => project.id === id),
      isPersonalKey: (key) => key === PERSONAL_KEY,
    },
    log,
    now: () => NOW,
    trustProxy: () => true,
    clientIpHeader: null,
    ...options,
  });
  const request: CaptureService["request"] = async (path, init, remoteAddr) =>
    await app.request(path, init, remoteAddr ? { remoteAddr } : {});
  return {
    log,
    request,
    post: (path, body, headers = {}) =>
      request(path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      }),
    listen: () => serve(app, { host: "127.0.0.1", port: 0 }),
    async events(project = 1) {
      const records = await log.read("inbox", project, "", { maxEvents: 100_000, maxBytes: 1e9 });
      return records.map((record) => JSON.parse(new TextDecoder().decode(record.event)));
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
