/**
 * Sends the request that a plugin's composeWebhook composed. This happens here rather than in the host, so that the
 * request goes only where this plugin's egress rules allow: they are enforced by the guard of fetch and, below it, by
 * what the cell's process may connect to.
 * @module
 */

import { RetryError } from "../../runtime/errors.ts";
import { guardedFetch } from "./fetch.ts";
import { FetchError } from "./fetch_error.ts";
import type { HeadersSource } from "./fetch_headers.ts";
import type { RequestOptions } from "./fetch_request.ts";
import type { FetchResponse } from "./fetch_response.ts";
import type { PluginFunction } from "../plugin/plugin_instance.ts";

/**
 * composeWebhook of the plugin with this index and the sending of its result as one function, which fails when the
 * request does.
 */
export function sendComposed(plugin: number, compose: PluginFunction): PluginFunction {
  return (event, meta) => {
    const webhook = compose(event, meta);
    return webhook ? send(plugin, webhook) : undefined;
  };
}

async function send(plugin: number, composed: unknown): Promise<void> {
  const webhook = await composed;
  if (!webhook) return;
  if (typeof webhook !== "object") {
    throw new TypeError(`composeWebhook returned a ${typeof webhook}, expected an object with url and body, or null`);
  }
  const { url, body, headers, method } = webhook as Record<string, unknown>;
  if (typeof url !== "string" || url === "") {
    throw new TypeError(`composeWebhook returned an object without a url, expected {url, body, headers, method}`);
  }
  const response = await fetchOrRetry(plugin, url, {
    method: method === undefined ? "POST" : method,
    headers: (headers ?? { "Content-Type": "application/json" }) as HeadersSource,
    ...(body === undefined || body === null ? {} : { body: textOf(body) }),
  });
  // Nobody needs the body, which may be endless.
  if (response.ok) return;
  const message = `Fetch to ${url} failed with ${response.statusText || response.status}`;
  throw response.status === 429 || response.status >= 500 ? new RetryError(message) : new Error(message);
}

/** PostHog asked for a text; an object can only mean its JSON. */
function textOf(body: unknown): string {
  return typeof body === "object" ? JSON.stringify(body) : String(body);
}

/** A request without an answer may succeed the next time, so it is retried; refusals of the egress guard are final. */
async function fetchOrRetry(plugin: number, url: string, options: RequestOptions): Promise<FetchResponse> {
  try {
    return await guardedFetch(plugin, url, options);
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw new RetryError(`Fetch to ${url} failed with ${error.message}`);
  }
}
