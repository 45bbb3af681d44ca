/**
 * The events of one project as they come out of an attacked service.
 * @module
 */

import type { AttackedService, OutEvent } from "./attacked_service.ts";

export interface Outbox {
  /** Every event that has come out so far. */
  readonly all: OutEvent[];
  /** Resolves with the event, or null if it does not come out in time. */
  waitFor(uuid: string, deadline: number, sentAt: number): Promise<{ event: OutEvent; tookMs: number } | null>;
  /** Reads what has come out since the last time; resolves with the number of new events. */
  poll(): Promise<number>;
}

const POLL_MS = 40;

export function openOutbox(service: AttackedService, project: number): Outbox {
  const all: OutEvent[] = [];
  let cursor = "";

  async function poll(): Promise<number> {
    if (!service.alive()) return 0;
    try {
      const { events, next } = await service.read(project, cursor);
      all.push(...events);
      cursor = next;
      return events.length;
    } catch {
      // The service may be busy, or may have died meanwhile.
      return 0;
    }
  }

  return {
    all,
    poll,
    async waitFor(uuid, deadline, sentAt) {
      for (;;) {
        const event = all.find((each) => each.uuid === uuid);
        if (event !== undefined) return { event, tookMs: performance.now() - sentAt };
        if (performance.now() > deadline || !service.alive()) return null;
        await poll();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
}
