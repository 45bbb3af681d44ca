/**
 * A rewind in progress: where it began, where it ends, and how much of it is done. It is kept in the store, so that
 * progress is shown after a restart too.
 * @module
 */

import { z } from "zod";
import { type Cursor, CursorError, type EventLog } from "../log/event_log.ts";
import type { Store } from "../store/store.ts";
import { ConsumerControlError, type ConsumerStatus, type RewindTarget } from "./consumer_status.ts";

const replaySchema = z.object({ end: z.string(), events: z.number() });

export interface Replay {
  /** Reads what an earlier run of the service left. */
  restore(): Promise<void>;
  /** Checks the target and notes the replay; returns the cursor to go to. */
  begin(target: RewindTarget, from: Cursor): Promise<Cursor>;
  /** Forgets it; returns where it would have ended. Null when there is none. */
  cancel(): Promise<Cursor | null>;
  progress(cursor: Cursor): Promise<ConsumerStatus["replay"]>;
}

export function createReplay(
  id: string,
  project: number,
  { log, store }: { log: EventLog; store: Pick<Store, "settings"> },
): Replay {
  /** `end` is where the consumer stood, `events` how many lie between the target and there. */
  let replay: z.infer<typeof replaySchema> | null = null;

  async function behind(cursor: Cursor): Promise<number> {
    return (await log.lag("outbox", project, cursor)).events;
  }

  async function restore(): Promise<void> {
    const text = await store.settings.get(replayKey(id));
    replay = text === null ? null : replaySchema.parse(JSON.parse(text));
  }

  async function begin(target: RewindTarget, from: Cursor): Promise<Cursor> {
    // A second rewind before the first one has caught up ends where the first one would have.
    const end = replay !== null && await eventsBetween(from, replay.end) > 0 ? replay.end : from;
    const to = "time" in target ? await log.cursorAt("outbox", project, target.time) : target.cursor;
    const events = await eventsBetween(to, from).catch((error: unknown) => {
      throw new ConsumerControlError("invalid", `Cannot rewind ${id}: ${text(error)}`, { cause: error });
    });
    if (events < 0) {
      throw new ConsumerControlError("invalid", `Cannot rewind ${id}: the target lies ahead of where it stands`);
    }
    replay = { end, events: await eventsBetween(to, end) };
    await store.settings.set(replayKey(id), JSON.stringify(replay));
    return to;
  }

  /** Negative when `later` lies before `earlier`. */
  async function eventsBetween(earlier: Cursor, later: Cursor): Promise<number> {
    return await behind(earlier) - await behind(later);
  }

  async function progress(cursor: Cursor): Promise<ConsumerStatus["replay"]> {
    if (replay === null) return null;
    const eventsLeft = await eventsBetween(cursor, replay.end).catch(foreign);
    if (eventsLeft <= 0) {
      replay = null;
      await store.settings.del(replayKey(id));
      return null;
    }
    return { fraction: Math.min(Math.max(1 - eventsLeft / replay.events, 0), 1), eventsLeft };
  }

  async function cancel(): Promise<Cursor | null> {
    const end = replay?.end ?? null;
    replay = null;
    await store.settings.del(replayKey(id));
    return end;
  }

  return { restore, begin, cancel, progress };
}

/** A store that several hosts share may hold the replay of another host's log. */
function foreign(error: unknown): number {
  if (error instanceof CursorError) return 0;
  throw error;
}

export function replayKey(id: string): string {
  return `consumer:${id}:replay`;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
