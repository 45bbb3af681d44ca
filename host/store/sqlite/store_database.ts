/**
 * The store inside its thread. It runs a batch of calls in one transaction, so that calls that wait together share one
 * sync to disk.
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { accessError, openDatabase, type Synchronous } from "../../sqlite/open_database.ts";
import { describe } from "../../sqlite/serve_thread.ts";
import { createAreas, type SyncAreas } from "./areas.ts";
import { STORE_FORMAT } from "./schema.ts";

/**
 * A call to a method of one of the store's areas, with the caller's clock, because the thread only has the machine's.
 */
export interface StoreCall {
  area: keyof SyncAreas;
  method: string;
  args: unknown[];
  now: number;
}

export type StoreAnswer = { ok: true; value: unknown } | { ok: false; name: string; message: string };

/** The functions of the store's thread. */
export interface StoreDatabase {
  open(path: string, synchronous: Synchronous): void;
  run(calls: StoreCall[]): StoreAnswer[];
  close(): void;
}

/** The store's functions on the database that `open` opens. */
export function createStoreDatabase(): StoreDatabase {
  let db: DatabaseSync | null = null;
  let areas: SyncAreas | null = null;
  let now = 0;
  return {
    open(path, synchronous) {
      db = openDatabase(path, STORE_FORMAT, synchronous);
      areas = createAreas(db, () => now);
    },
    run(calls) {
      if (!db || !areas) throw new Error("Cannot use the store: it is not open");
      const open = areas;
      const database = db;
      database.exec("BEGIN IMMEDIATE");
      try {
        const answers = calls.map((call) => {
          now = call.now;
          return runOne(database, open, call);
        });
        database.exec("COMMIT");
        return answers;
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    },
    close() {
      db?.close();
      db = areas = null;
    },
  };
}

/** A call that fails undoes its own changes and leaves the other calls of the batch alone. */
function runOne(db: DatabaseSync, areas: SyncAreas, { area, method, args }: StoreCall): StoreAnswer {
  db.exec("SAVEPOINT call");
  try {
    const methods = areas[area] as unknown as Record<string, (...args: unknown[]) => unknown>;
    const run = methods[method];
    if (!run) throw new TypeError(`Cannot call ${area}.${method}: the store has no such method`);
    const value = run(...args);
    db.exec("RELEASE call");
    return { ok: true, value };
  } catch (error) {
    // A full disk ends the whole transaction, not only this call.
    if (!db.isTransaction) throw error;
    db.exec("ROLLBACK TO call; RELEASE call");
    const { name, message } = describe(accessError(db, STORE_FORMAT.what, error));
    return { ok: false, name, message };
  }
}
