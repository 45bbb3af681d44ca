/// <reference lib="dom" />
/**
 * Receives the service's notifications: one stream of server-sent events for the whole page.
 * @module
 */

import { API } from "./api.ts";

/** What a message is about, in the service's terms. */
export type Topic = "states" | "counters" | "lag" | "jobs" | "logs" | "traces";

const listeners = new Map<string, Set<() => void>>();
let source: EventSource | null = null;

/** Opens the stream. It reconnects by itself after the service was away. */
export function openLive(): void {
  source ??= new EventSource(`${API}live`);
}

/** Closes the stream when the session has ended. */
export function closeLive(): void {
  source?.close();
  source = null;
  listeners.clear();
}

/** Calls `onChange` after messages about these topics. Call the returned function to stop. */
export function listen(topics: readonly Topic[], onChange: () => void): () => void {
  const stops = [...topics, "reset"].map((topic) => {
    const known = listeners.get(topic) ?? new Set();
    if (!listeners.has(topic)) {
      listeners.set(topic, known);
      source?.addEventListener(topic, () => known.forEach((call) => call()));
    }
    known.add(onChange);
    return () => known.delete(onChange);
  });
  return () => stops.forEach((stop) => stop());
}
