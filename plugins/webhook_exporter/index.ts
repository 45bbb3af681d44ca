/**
 * Sends each event to one address as JSON.
 * @module
 */

import { createHmac } from "crypto";
import { type Meta, type ProcessedPluginEvent, RetryError } from "@posthog/plugin-scaffold";

type WebhookExporter = {
  config: { url: string; events: string; headers: string | Record<string, string>; signingSecret: string };
  global: { headers: Record<string, string>; events: Set<string> };
};

export function setupPlugin({ config, global }: Meta<WebhookExporter>): void {
  if (!/^https?:\/\//.test(config.url)) {
    throw new Error(`Cannot send events: expected "Address" to begin with http:// or https://, got "${config.url}"`);
  }
  global.events = new Set((config.events ?? "").split(",").map((name) => name.trim()).filter((name) => name !== ""));
  global.headers = { "Content-Type": "application/json", ...parseHeaders(config.headers) };
}

export async function onEvent(event: ProcessedPluginEvent, { config, global }: Meta<WebhookExporter>): Promise<void> {
  if (global.events.size > 0 && !global.events.has(event.event)) return;
  const body = JSON.stringify(event);
  const headers = { ...global.headers };
  if (config.signingSecret) {
    headers["X-Signature"] = `sha256=${createHmac("sha256", config.signingSecret).update(body).digest("hex")}`;
  }
  let response: Response;
  try {
    response = await fetch(config.url, { method: "POST", headers, body });
  } catch (error) {
    throw new RetryError(`Cannot send the event: ${error instanceof Error ? error.message : error}`);
  }
  // Read to its end, so that the connection can be used again.
  const answer = await response.text();
  if (response.ok) return;
  const message = `Cannot send the event: the receiver answered ${response.status} ${answer.slice(0, 200)}`.trim();
  throw response.status === 429 || response.status >= 500 ? new RetryError(message) : new Error(message);
}

function parseHeaders(given: string | Record<string, string>): Record<string, string> {
  if (!given) return {};
  let headers: unknown = given;
  try {
    if (typeof given === "string") headers = JSON.parse(given);
  } catch (cause) {
    throw new Error('Cannot send events: expected "Further headers" to be JSON', { cause });
  }
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new Error('Cannot send events: expected "Further headers" to be a JSON object');
  }
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
