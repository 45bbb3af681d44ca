/**
 * The store on SQLite. Calls go to a thread that owns the database; those that arrive while it is busy are sent
 * together, in one transaction.
 * @module
 */

import type { Synchronous } from "../sqlite/open_database.ts";
import { Thread, ThreadError } from "../sqlite/thread.ts";
import { toBackEndError } from "../back_end_error.ts";
import type { Areas } from "./sqlite/areas.ts";
import { PRUNED_AT_ONCE } from "./sqlite/jobs.ts";
import type { StoreCall, StoreDatabase } from "./sqlite/store_database.ts";
import type { Store } from "./store.ts";

export interface SqliteStoreOptions {
  /** The database file, in an existing folder. Several hosts may have the same file open. */
  path: string;
  /** Default `full`: a resolved call survives a power failure. */
  synchronous?: Synchronous;
  now?: () => number;
}

type Run = (area: keyof Areas, method: string, args: unknown[]) => Promise<unknown>;

/** The methods of every area; the thread refuses all others. */
const METHODS: { [Area in keyof Areas]: Record<keyof Areas[Area], true> } = {
  jobs: {
    enqueue: true,
    claim: true,
    release: true,
    extend: true,
    complete: true,
    retry: true,
    fail: true,
    cancel: true,
    retryNow: true,
    total: true,
    get: true,
    list: true,
    outstanding: true,
    nextRunAt: true,
    prune: true,
  },
  storage: { get: true, set: true, del: true, init: true, increment: true, all: true, size: true },
  pluginConfigs: { get: true, put: true, reasons: true },
  logs: { append: true, list: true, prune: true },
  deadLetters: {
    add: true,
    list: true,
    total: true,
    groups: true,
    edit: true,
    removeAll: true,
    get: true,
    remove: true,
    prune: true,
  },
  ticks: { claim: true, extend: true, finish: true },
  settings: { get: true, set: true, del: true, list: true },
  series: { put: true, read: true, subjects: true, prune: true },
  problems: { add: true, list: true, get: true, remove: true, prune: true },
  sightings: { add: true, list: true, get: true, prune: true },
  things: { list: true, get: true, stamp: true, change: true },
  audit: { list: true, prune: true },
};

/** Opens or creates the store. Rejects with a BackEndError when the file is damaged or newer. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const thread = new Thread<StoreDatabase>(new URL("./sqlite/store_thread.ts", import.meta.url), "the store");
  try {
    await thread.call("open", options.path, options.synchronous ?? "full");
  } catch (error) {
    await thread[Symbol.asyncDispose]();
    throw toBackEndError(error);
  }
  const calls = new Calls(thread, options.now ?? Date.now);
  const area = <Name extends keyof Areas>(name: Name) =>
    areaOf<Areas[Name]>(name, METHODS[name], (area, method, args) => calls.run(area, method, args));
  return {
    jobs: { ...area("jobs"), prune: (before) => pruneJobs(calls, before) },
    storage: area("storage"),
    pluginConfigs: area("pluginConfigs"),
    logs: area("logs"),
    deadLetters: area("deadLetters"),
    ticks: area("ticks"),
    settings: area("settings"),
    series: area("series"),
    problems: area("problems"),
    sightings: area("sightings"),
    things: area("things"),
    audit: area("audit"),
    ping: () => calls.run("settings", "get", ["ping"]).then(() => true, () => false),
    [Symbol.asyncDispose]: () => calls[Symbol.asyncDispose](),
  };
}

/** Deletes in small transactions, between which other calls run. */
async function pruneJobs(calls: Calls, before: number): Promise<void> {
  while (await calls.run("jobs", "prune", [before]) === PRUNED_AT_ONCE);
}

function areaOf<Area>(name: keyof Areas, methods: Record<keyof Area, true>, run: Run): Area {
  const entries = Object.keys(methods).map((method) => [method, (...args: unknown[]) => run(name, method, args)]);
  return Object.fromEntries(entries) as Area;
}

interface Waiting {
  call: StoreCall;
  answer: PromiseWithResolvers<unknown>;
}

/** The most calls in one transaction. */
const MAX_BATCH = 500;

/** The queue in front of the thread: one batch is running, and the others gather for the next. */
class Calls implements AsyncDisposable {
  readonly #thread: Thread<StoreDatabase>;
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  #pump: Promise<void> | null = null;
  #closed = false;

  constructor(thread: Thread<StoreDatabase>, now: () => number) {
    this.#thread = thread;
    this.#now = now;
  }

  run(area: keyof Areas, method: string, args: unknown[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error("Cannot use the store: it is closed"));
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.push({ call: { area, method, args, now: this.#now() }, answer });
    this.#pump ??= this.#run();
    return answer.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pump;
    try {
      await this.#thread.call("close");
    } finally {
      await this.#thread[Symbol.asyncDispose]();
    }
  }

  async #run(): Promise<void> {
    // Waits until all calls of this turn of the event loop have arrived, so that they are sent together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#runBatch(this.#waiting.splice(0, MAX_BATCH));
    this.#pump = null;
  }

  async #runBatch(batch: Waiting[]): Promise<void> {
    try {
      const answers = await this.#thread.call("run", batch.map(({ call }) => call));
      for (const [i, { answer }] of batch.entries()) {
        const given = answers[i]!;
        if (given.ok) answer.resolve(given.value);
        else answer.reject(new ThreadError(given.name, given.message));
      }
    } catch (error) {
      for (const { answer } of batch) answer.reject(error);
    }
  }
}
