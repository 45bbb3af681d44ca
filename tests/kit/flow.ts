/**
 * The real log and store in a folder of their own, with what tests of consumers, jobs and the schedule do to them.
 * @module
 */

import { join } from "node:path";
import type { EventLog, StoredRecord } from "../../host/log/event_log.ts";
import { openSqliteEventLog } from "../../host/log/sqlite_event_log.ts";
import { openSqliteStore } from "../../host/store/sqlite_store.ts";
import type { Store } from "../../host/store/store.ts";
import { FakeClock } from "./fake_clock.ts";
import { storedRecords } from "./stored_records.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary_folder.ts";

export interface Flow extends AsyncDisposable {
  clock: FakeClock;
  /** Of the present run. */
  log: EventLog;
  store: Store;
  /** Puts events into the outbox of project 1. */
  append(...events: Record<string, unknown>[]): Promise<void>;
  /** Closes log and store and opens them again, as a restart of the service does. */
  reopen(): Promise<void>;
}

/** In a temporary folder, or in one that another process left. */
export async function openFlow(clock = new FakeClock(), path?: string): Promise<Flow> {
  const folder = path === undefined ? await temporaryFolder() : existingFolder(path);
  const open = async () => ({
    log: await openSqliteEventLog({ path: folder.file("log.db"), synchronous: "normal", now: clock.now }),
    store: await openSqliteStore({ path: folder.file("store.db"), synchronous: "normal", now: clock.now }),
  });
  const flow = {
    clock,
    ...await open(),
    append: (...events: Record<string, unknown>[]) =>
      flow.log.append("outbox", 1, storedRecords(events).map(({ key, event }) => ({ key, event }))),
    async reopen() {
      await close();
      Object.assign(flow, await open());
    },
    async [Symbol.asyncDispose]() {
      await close();
      await folder[Symbol.asyncDispose]();
    },
  };
  async function close(): Promise<void> {
    await flow.log[Symbol.asyncDispose]();
    await flow.store[Symbol.asyncDispose]();
  }
  return flow;
}

function existingFolder(path: string): TemporaryFolder {
  return { path, file: (name) => join(path, name), [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** `count` events named e1, e2, … */
export function numbered(count: number, from = 1): { event: string }[] {
  return Array.from({ length: count }, (_, index) => ({ event: `e${from + index}` }));
}

/** The names of a batch's events. */
export function namesOf(records: Pick<StoredRecord, "event">[]): string[] {
  return records.map(({ event }) => JSON.parse(new TextDecoder().decode(event)).event);
}
