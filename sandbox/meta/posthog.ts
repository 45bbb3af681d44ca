/**
 * `posthog` as plugins have it: capture makes an event of this project, api calls PostHog with the project's keys.
 * @module
 */

import type { ApiRedirection, ApiRequest, ApiResponse } from "../../runtime/protocol.ts";
import { Buffer } from "../walls/capture.ts";
import { guardedFetch } from "../fetch/fetch.ts";
import { FetchResponse, HandedOver } from "../fetch/fetch_response.ts";
import type { CallHost } from "./call_host.ts";

async function toResponse(plugin: number, answer: ApiResponse | ApiRedirection): Promise<FetchResponse> {
  if ("fetch" in answer) {
    const { url, ...options } = answer.fetch;
    return await guardedFetch(plugin, url, options);
  }
  const { body, ...options } = answer;
  const bytes = Buffer.from(body, "base64");
  return new FetchResponse(new HandedOver({ kind: "bytes", bytes }), options);
}

/** The `posthog` of one plugin. */
export function createPosthog(plugin: number, call: CallHost) {
  const method = (name: ApiRequest["method"]) => async (path: unknown, options: ApiRequest["options"] = {}) =>
    await toResponse(plugin, await call("posthog.api", [{ method: name, path: String(path), options }]));
  return {
    async capture(event: unknown, properties: Record<string, unknown> = {}): Promise<void> {
      await call("posthog.capture", [String(event), properties]);
    },
    api: {
      get: method("get"),
      post: method("post"),
      put: method("put"),
      patch: method("patch"),
      delete: method("delete"),
    },
  };
}
