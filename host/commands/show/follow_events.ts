/**
 * Follows events as they come in, each with what the plugins made of it.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { EventLog } from "../../log/event_log.ts";
import { routerLag } from "../../router/router_lag.ts";

type Event = Record<string, unknown>;

export interface RoutedEvent {
  before: Event;
  /** Null if it was dropped. */
  after: Event | null;
}

const LIMITS = { maxEvents: 500, maxBytes: 8 * 1024 * 1024 };
const POLL_MS = 20;

/** Yields events from the start of the log until the signal aborts. */
export async function* followEvents(
  log: Pick<EventLog, "read" | "waitForRecords" | "cursor" | "lag">,
  project: number,
  signal: AbortSignal,
): AsyncGenerator<RoutedEvent> {
  const decoder = new TextDecoder();
  const parse = ({ event }: { event: Uint8Array }): Event => JSON.parse(decoder.decode(event));
  let [inbox, outbox] = ["", ""];
  while (!signal.aborted) {
    await log.waitForRecords("inbox", project, inbox, signal).catch(() => {});
    const came = signal.aborted ? [] : await log.read("inbox", project, inbox, LIMITS);
    if (came.length === 0) continue;
    inbox = came.at(-1)!.cursor;
    // The router has finished a batch when its cursor is behind the batch.
    while (!signal.aborted) {
      if ((await routerLag(log, project)).events <= (await log.lag("inbox", project, inbox)).events) break;
      await delay(POLL_MS);
    }
    const made = new Map<unknown, Event>();
    for (;;) {
      const records = await log.read("outbox", project, outbox, LIMITS);
      if (records.length === 0) break;
      outbox = records.at(-1)!.cursor;
      for (const event of records.map(parse)) made.set(event.uuid, event);
    }
    for (const before of came.map(parse)) yield { before, after: made.get(before.uuid) ?? null };
  }
}
