/**
 * The sink of the consumer `onEvent:<plugin config>`: `$snapshot` events go to onSnapshot alone, all others to
 * onEvent alone.
 * @module
 */

import { createPluginEventSink, type PluginEventSinkOptions } from "./plugin_event_sink.ts";
import type { Sink } from "../sink.ts";

export interface OnEventSinkOptions extends Omit<PluginEventSinkOptions, "choose"> {
  /** Which of the two the plugin has. */
  methods: { onEvent: boolean; onSnapshot: boolean };
}

export function createOnEventSink({ methods, ...options }: OnEventSinkOptions): Sink {
  return createPluginEventSink({
    ...options,
    choose(eventName) {
      if (eventName === "$snapshot") return methods.onSnapshot ? "onSnapshot" : null;
      return methods.onEvent ? "onEvent" : null;
    },
  });
}
