/**
 * The sink of the consumer `composeWebhook:<plugin config>`. The cell composes the request and also sends it, so that
 * it goes only where the plugin's egress rules allow. `$snapshot` events are never sent to a webhook.
 * @module
 */

import { createPluginEventSink, type PluginEventSinkOptions } from "./plugin_event_sink.ts";
import type { Sink } from "../sink.ts";

export function createComposeWebhookSink(options: Omit<PluginEventSinkOptions, "choose">): Sink {
  return createPluginEventSink({
    ...options,
    choose: (eventName) => eventName === "$snapshot" ? null : "composeWebhook",
  });
}
