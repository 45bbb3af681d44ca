/**
 * The global names that a plugin finds besides JavaScript's own: no timer, no Deno, no process, nothing that reaches
 * them.
 * @module
 */

import type {} from "ses";
import { RetryError } from "../../runtime/errors.ts";
import { Buffer, PluginDate } from "../walls/capture.ts";
import { hardenShared } from "../walls/lockdown.ts";
import type { CallHost } from "../meta/call_host.ts";
import { createConsole } from "../meta/console.ts";
import { createPosthog } from "../meta/posthog.ts";
import { FetchHeaders } from "../fetch/fetch_headers.ts";
import { FetchRequest } from "../fetch/fetch_request.ts";
import { FetchResponse } from "../fetch/fetch_response.ts";

// Lockdown gives Compartments a Date without now and a Math without random; plugins had the whole ones.
const shared = {
  AbortController,
  AbortSignal,
  Blob,
  Buffer,
  DOMException,
  Date: PluginDate,
  File,
  FinalizationRegistry,
  Float32Array,
  Float64Array,
  FormData,
  Headers: FetchHeaders,
  Intl,
  Math,
  Request: FetchRequest,
  Response: FetchResponse,
  RetryError,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  WeakRef,
  atob,
  btoa,
  structuredClone,
};

/** Freezes what all plugins share. After lockdown. */
export function hardenEndowments(): void {
  for (const value of Object.values(shared)) hardenShared(value);
}

/** The globals of one plugin; `fetch` is its own too. */
export function createEndowments(plugin: number, call: CallHost, fetch: unknown): Record<string, unknown> {
  return {
    ...shared,
    fetch,
    console: hardenShared(createConsole(plugin)),
    posthog: hardenShared(createPosthog(plugin, call)),
  };
}
