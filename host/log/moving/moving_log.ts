/**
 * An event log that is being moved from SQLite to another log, and takes in events meanwhile. They are stored in the
 * old log, behind those that are waiting there, until it is empty. Then appends are held for a moment, and from then on
 * they are stored in the new log. Events therefore keep their order.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { EventLog, LogRecord, LogSize, Topic } from "../event_log.ts";
import type { SqliteLog } from "../sqlite_event_log.ts";
import { leftIn, type Moved, moveInboxes, type MoveLogOptions, moveOutboxes } from "./move_log.ts";

export interface MovingLogOptions {
  from: SqliteLog;
  to: EventLog;
  router: string;
  /** Called every few seconds with what has been moved and how much is left. */
  onProgress(moved: Moved, left: { inbox: number; outbox: number }): void;
  /** Called with the reason why the move is not getting on. It is tried again automatically. */
  onError(error: unknown): void;
}

const PROGRESS_MS = 3000;
const RETRY_MS = 2000;

/** Reads and cursors are those of the new log. Owns both logs. */
export class MovingLog implements EventLog {
  readonly #options: MovingLogOptions;
  readonly #moved: Moved = { inbox: 0, outbox: 0, consumers: 0 };
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #done = Promise.withResolvers<Moved>();
  /** Appends to the old log that are in progress. */
  readonly #appends = new Set<Promise<void>>();
  /** Appends wait for this; it resolves when it is known which log they go to. */
  #held: Promise<void> | null = null;
  #over = false;

  constructor(options: MovingLogOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when everything is in the new log. */
  get done(): Promise<Moved> {
    return this.#done.promise;
  }

  get maxEventBytes(): number {
    return this.#options.to.maxEventBytes ?? Infinity;
  }

  async append(topic: Topic, project: number, records: LogRecord[]): Promise<void> {
    while (this.#held !== null) await this.#held;
    const { from, to } = this.#options;
    if (this.#over) return await to.append(topic, project, records);
    const appended = from.append(topic, project, records);
    const settled = appended.catch(() => {}).finally(() => this.#appends.delete(settled));
    this.#appends.add(settled);
    await appended;
  }

  read: EventLog["read"] = (...args) => this.#options.to.read(...args);
  readBack: EventLog["readBack"] = (...args) => this.#options.to.readBack(...args);
  waitForRecords: EventLog["waitForRecords"] = (...args) => this.#options.to.waitForRecords(...args);
  step: EventLog["step"] = (...args) => this.#options.to.step(...args);
  cursor: EventLog["cursor"] = (...args) => this.#options.to.cursor(...args);
  commit: EventLog["commit"] = (...args) => this.#options.to.commit(...args);
  move: EventLog["move"] = (...args) => this.#options.to.move(...args);
  position: EventLog["position"] = (...args) => this.#options.to.position(...args);
  register: EventLog["register"] = (...args) => this.#options.to.register(...args);
  forget: EventLog["forget"] = (...args) => this.#options.to.forget(...args);
  cursorAt: EventLog["cursorAt"] = (...args) => this.#options.to.cursorAt(...args);
  lag: EventLog["lag"] = (...args) => this.#options.to.lag(...args);
  count: EventLog["count"] = (...args) => this.#options.to.count(...args);
  share: EventLog["share"] = () => this.#options.to.share();

  size(): LogSize | null {
    return this.#over ? this.#options.to.size() : this.#options.from.size();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#options.from[Symbol.asyncDispose]();
    await this.#options.to[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const { from, router, onProgress } = this.#options;
    const progress = setInterval(() => onProgress({ ...this.#moved }, leftIn(from.contents(), router)), PROGRESS_MS);
    const options = { ...this.#options, moved: this.#moved, signal: this.#stop.signal };
    try {
      if (!await this.#certainly(() => moveOutboxes(options))) return;
      if (!await this.#certainly(() => moveInboxes(options))) return;
      if (!await this.#certainly(() => this.#switchOver(options))) return;
      this.#done.resolve({ ...this.#moved });
    } finally {
      clearInterval(progress);
    }
  }

  /** Events that arrive during the switch wait. If it fails they go to the old log, and the switch is tried again. */
  async #switchOver(options: MoveLogOptions): Promise<void> {
    const held = Promise.withResolvers<void>();
    this.#held = held.promise;
    try {
      await Promise.all(this.#appends);
      await moveInboxes(options);
      this.#over = true;
    } finally {
      this.#held = null;
      held.resolve();
    }
  }

  /** False if the log is closed before the action succeeds. */
  async #certainly(action: () => Promise<void>): Promise<boolean> {
    while (!this.#stop.signal.aborted) {
      try {
        await action();
        return true;
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        this.#options.onError(error);
        await delay(RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
    return false;
  }
}
