/**
 * Adds a property `hello` to every event.
 * @module
 */

import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";

type HelloWorld = { config: { greeting: string } };

export function processEvent(event: PluginEvent, { config }: Meta<HelloWorld>): PluginEvent {
  event.properties = { ...event.properties, hello: config.greeting };
  return event;
}
