/**
 * `meta`, the last argument of every plugin function: exactly these keys.
 * @module
 */

import { hardenShared } from "../walls/lockdown.ts";
import type {} from "ses";
import type { PluginSpec } from "../../runtime/protocol.ts";
import { Buffer } from "../walls/capture.ts";
import { createCache } from "./cache.ts";
import type { CallHost } from "./call_host.ts";
import { createJobs } from "./jobs.ts";
import { createCursor, createStorage } from "./storage.ts";

function createAttachments(attachments: PluginSpec["attachments"]): Record<string, unknown> {
  const entries = Object.entries(attachments).map(([key, { content_type, file_name, contents }]) =>
    [key, { content_type, file_name, contents: Buffer.from(contents, "base64") }] as const
  );
  return Object.fromEntries(entries);
}

/**
 * The meta of one plugin; `metrics` only if it exports some. What calls the host is frozen; config, attachments and
 * global are the plugin's own.
 */
export function createMeta(spec: PluginSpec, call: CallHost, metrics: object | undefined): Record<string, unknown> {
  return {
    ...(metrics && { metrics: hardenShared(metrics) }),
    attachments: createAttachments(spec.attachments),
    cache: hardenShared(createCache(call)),
    config: spec.config,
    geoip: hardenShared({ locate: async (ip: unknown) => await call("geoip.locate", [String(ip)]) }),
    global: {},
    jobs: hardenShared(createJobs(call)),
    storage: hardenShared(createStorage(call)),
    utils: hardenShared({ cursor: createCursor(call) }),
  };
}
