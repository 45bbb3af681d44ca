/**
 * A rewind in progress: where it began, where it ends, and how much of it is done. It is kept in the store, so that
 * every host knows it, also after a restart.
 *
 * It ends where the consumer had been: in each part of the log, whichever host delivers it, at the place that was
 * committed there when the consumer was sent back. What lies before that place was delivered once, so the replay may be
 * ended at any time, from any host, by going ahead to there; where the consumer has passed it meanwhile, it stays. What
 * lies behind was not delivered and is never left out. When a consumer is sent back again before it has caught up, the
 * replay ends in each part at the later of both places.
 * @module
 */

import { z } from "zod";
import { type Cursor, CursorError, type EventLog } from "../log/event_log.ts";
import type { Store } from "../store/store.ts";
import { ConsumerControlError, type ConsumerStatus, type RewindTarget } from "./consumer_status.ts";

/** Positions in all parts of the log. Notes from before there was `start` have none. */
const replaySchema = z.object({ start: z.string().default(""), end: z.string() });

type Note = z.infer<typeof replaySchema> & { text: string };

export interface Replay {
  /** Reads what the store has, of another host or an earlier run of the service. */
  restore(): Promise<void>;
  /** Takes over what was read from the store; null when nothing is noted there. */
  follow(noted: string | null): void;
  /** Checks the target and notes the replay; returns the position to go back to. */
  begin(target: RewindTarget): Promise<Cursor>;
  /** The position where it ends; null when there is no replay. Another host may have begun it. */
  end(): Promise<Cursor | null>;
  /** To be called when the consumer is at the end. */
  forget(): Promise<void>;
  /** Of the parts of the log that this host delivers; forgets the replay when it is over in all. */
  progress(cursor: Cursor): Promise<ConsumerStatus["replay"]>;
}

export function createReplay(
  id: string,
  project: number,
  { log, store }: { log: EventLog; store: Pick<Store, "settings"> },
): Replay {
  let noted: Note | null = null;
  /** Where the consumer stood when it was last looked whether the replay is over everywhere. */
  let lookedAt: Cursor | null = null;

  async function restore(): Promise<void> {
    follow(await store.settings.get(replayKey(id)));
  }

  function follow(text: string | null): void {
    noted = text === null ? null : parse(text);
  }

  async function begin(target: RewindTarget): Promise<Cursor> {
    const [from, before] = [await log.position("outbox", project, id), await end()];
    const to = "time" in target ? await log.cursorAt("outbox", project, target.time) : target.cursor;
    const start = await log.position("outbox", project, id, { atMost: to }).catch((error: unknown) => {
      throw error instanceof CursorError ? invalid(error.message, error) : error;
    });
    if (start === from && await eventsBetween(to, from) < 0) throw invalid("the target lies ahead of where it stands");
    await note({ start, end: before === null ? from : await furthest(before) });
    return to;
  }

  function invalid(why: string, cause?: unknown): ConsumerControlError {
    return new ConsumerControlError("invalid", `Cannot rewind ${id}: ${why}`, { cause });
  }

  async function note(places: z.infer<typeof replaySchema>): Promise<void> {
    const text = JSON.stringify(places);
    await store.settings.set(replayKey(id), text);
    noted = { ...places, text };
  }

  async function end(): Promise<Cursor | null> {
    await restore();
    if (noted === null) return null;
    const { end } = noted;
    return await unlessForeign(furthest(end)) === null ? null : end;
  }

  function furthest(end: Cursor): Promise<Cursor> {
    return log.position("outbox", project, id, { atLeast: end });
  }

  /** Negative when `later` lies before `earlier`. Counts the parts that this host delivers. */
  async function eventsBetween(earlier: Cursor, later: Cursor): Promise<number> {
    const [more, less] = [await log.lag("outbox", project, earlier), await log.lag("outbox", project, later)];
    return more.events - less.events;
  }

  async function progress(cursor: Cursor): Promise<ConsumerStatus["replay"]> {
    if (noted === null) return null;
    const { start, end } = noted;
    const eventsLeft = await unlessForeign(eventsBetween(cursor, end));
    if (eventsLeft === null) return null;
    if (eventsLeft > 0) {
      const events = await eventsBetween(start, end);
      return { fraction: Math.min(Math.max(1 - eventsLeft / events, 0), 1), eventsLeft };
    }
    if (lookedAt !== cursor) await forgetIfOver(noted);
    lookedAt = cursor;
    return null;
  }

  async function forgetIfOver({ end, text }: Note): Promise<void> {
    if (await furthest(end) !== await log.position("outbox", project, id)) return;
    await restore();
    if (noted?.text === text) await forget();
  }

  async function forget(): Promise<void> {
    await store.settings.del(replayKey(id));
    noted = null;
  }

  return { restore, follow, begin, end, forget, progress };
}

export function replayKey(id: string): string {
  return `consumer:${id}:replay`;
}

/** Null for what is not the note of a replay. */
function parse(text: string): Note | null {
  try {
    const { data } = replaySchema.safeParse(JSON.parse(text));
    return data === undefined ? null : { ...data, text };
  } catch {
    return null;
  }
}

/** Null for a replay of another log: hosts may share a store without sharing a log, and a host may change its log. */
async function unlessForeign<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof CursorError) return null;
    throw error;
  }
}
