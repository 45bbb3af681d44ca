/// <reference lib="dom" />
/**
 * What the service says by itself: one stream of server-sent events for the whole page.
 * @module
 */

import { API } from "./api.ts";

/** What a message is about; the service's names. */
export type Topic = "states" | "counters" | "lag" | "jobs" | "logs" | "traces";

const listeners = new Map<string, Set<() => void>>();
let source: EventSource | null = null;

/** Opens the stream; it connects again by itself when the service was away. */
export function openLive(): void {
  source ??= new EventSource(`${API}live`);
}

/** Ends the stream, when the session has ended. */
export function closeLive(): void {
  source?.close();
  source = null;
  listeners.clear();
}

/** Calls `onChange` after messages of these topics. The returned function ends that. */
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
