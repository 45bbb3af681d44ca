/**
 * The end of the consumer `composeWebhook:<plugin config>`. The cell composes the request and sends it too, so that it goes
 * where the plugin's egress rules let it go; `$snapshot` events are no business of a webhook.
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
