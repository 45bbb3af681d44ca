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
import { nodeFetch } from "../fetch/node_fetch.ts";

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
  Headers: nodeFetch.Headers,
  Intl,
  Math,
  Request: nodeFetch.Request,
  Response: nodeFetch.Response,
  RetryError,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  WeakRef,
  atob,
  btoa,
  fetch: nodeFetch,
  structuredClone,
};

/** Freezes what all plugins share. After lockdown. */
export function hardenEndowments(): void {
  for (const value of Object.values(shared)) hardenShared(value);
}

/** The globals of one plugin. */
export function createEndowments(plugin: number, call: CallHost): Record<string, unknown> {
  return {
    ...shared,
    console: hardenShared(createConsole(plugin)),
    posthog: hardenShared(createPosthog(call)),
  };
}
