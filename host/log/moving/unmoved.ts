/**
 * Finds the unfinished work in a log on SQLite without opening it as a log, for a host that no longer uses it.
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { BackEndError } from "../../back_end_error.ts";
import { exists } from "../../exists.ts";
import type { PartContents } from "../sqlite_event_log.ts";
import { leftIn } from "./move_log.ts";

/** None if there is no file. Rejects with a BackEndError if it cannot be determined. */
export async function unmovedIn(path: string, router: string): Promise<{ inbox: number; outbox: number }> {
  if (!await exists(path)) return { inbox: 0, outbox: 0 };
  try {
    using db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    return leftIn(partsIn(db), router);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new BackEndError(
      `Cannot tell whether ${path}, the event log from before, still has events: ${found}. Put the file aside`,
      { cause: error },
    );
  }
}

function partsIn(db: DatabaseSync): PartContents[] {
  const parts = db.prepare("SELECT id, topic, project, last FROM parts")
    .all() as unknown as (Omit<PartContents, "readers"> & { id: number })[];
  const readers = db.prepare("SELECT reader, offset FROM readers WHERE part = ?");
  return parts.map(({ id, ...part }) => {
    const rows = readers.all(id) as unknown as { reader: string; offset: number }[];
    return { ...part, readers: new Map(rows.map(({ reader, offset }) => [reader, offset])) };
  });
}
