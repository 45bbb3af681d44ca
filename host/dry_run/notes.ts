/**
 * Records what a plugin does besides returning an event, for a dry run. The records are bounded, because a plugin that
 * prints, stores or requests without end would otherwise fill the host's memory and the answer.
 * @module
 */

import type { FetchedRequest, LogBatch, ServiceName } from "../../runtime/protocol.ts";

/** What a plugin did in one step. */
export interface Notes {
  logs: LogBatch["entries"];
  /** Calls of storage and cache: the operation, the key, and the value that was read or written. */
  storage: { operation: string; key: string; value: unknown }[];
  cache: { operation: string; key: string; value: unknown }[];
  /** The requests that it made with fetch, including those that a rule answered or a wall refused. */
  fetches: FetchedRequest[];
  captures: { event: string; properties: unknown }[];
  jobs: { job: string; payload: unknown; run_at: string }[];
  /** How many records were left out because the dry run had too many. */
  left_out: number;
}

type Kind = Exclude<keyof Notes, "left_out">;

/** The bounds for all steps of a dry run together. */
export interface NoteBudget {
  notes: number;
  /** Counted in their JSON. */
  chars: number;
}

export interface NoteTaker {
  add<K extends Kind>(kind: K, note: Notes[K][number]): void;
  /** Records a call of a service and its result. */
  called(name: ServiceName, args: unknown[], value: unknown): void;
  /** What was recorded since the last call. */
  take(): Notes;
}

export function noteBudget(): NoteBudget {
  return { notes: 10_000, chars: 10_000_000 };
}

export function createNoteTaker(budget: NoteBudget): NoteTaker {
  let notes = noNotes();

  function add<K extends Kind>(kind: K, note: Notes[K][number]): void {
    const chars = JSON.stringify(note).length;
    if (budget.notes < 1 || budget.chars < chars) return void notes.left_out++;
    budget.notes--;
    budget.chars -= chars;
    // TypeScript cannot tell that the list has the same kind as the record.
    (notes[kind] as Notes[K][number][]).push(note);
  }

  return {
    add,
    called(name, args, value) {
      const [first, second, third] = args;
      const [group, operation = ""] = name.split(".");
      const key = String(first);
      switch (group) {
        case "storage":
        case "cursor":
          return add("storage", {
            operation: group === "cursor" ? name : operation,
            key,
            value: value ?? second ?? null,
          });
        case "cache":
          return add("cache", { operation, key, value: value ?? second ?? null });
        case "jobs":
          return add("jobs", { job: key, payload: second ?? null, run_at: new Date(Number(third)).toISOString() });
        case "posthog":
          if (operation === "capture") add("captures", { event: key, properties: second });
      }
    },
    take() {
      const taken = notes;
      notes = noNotes();
      return taken;
    },
  };
}

function noNotes(): Notes {
  return { logs: [], storage: [], cache: [], fetches: [], captures: [], jobs: [], left_out: 0 };
}
