/**
 * What the host keeps in memory about each part of the log (one project's records of one topic): its first and last
 * record, its readers' cursors, and who is waiting for more.
 * @module
 */

import type { Topic } from "./event_log.ts";
import type { OpenedLog, Trim } from "./log_database.ts";

export interface Part {
  readonly id: number;
  readonly topic: Topic;
  readonly project: number;
  /** The number of the first kept record; `last + 1` when there is none. */
  first: number;
  /** The number of the last durable record. */
  last: number;
  /** The number of the last record that each reader has committed. */
  readonly readers: Map<string, number>;
  readonly waiting: Set<Waiter>;
}

interface Waiter {
  after: number;
  settle(error?: Error): void;
}

/** Every part of the log by topic and project. A part exists from its first mention. */
export class Parts {
  readonly #byTopic: Record<Topic, Map<number, Part>> = { inbox: new Map(), outbox: new Map() };
  readonly #byId = new Map<number, Part>();
  #nextId = 1;

  constructor(opened: Pick<OpenedLog, "parts" | "readers">) {
    for (const { id, topic, project, first, last } of opened.parts) this.#add(id, topic, project, first, last);
    for (const { part, reader, offset } of opened.readers) this.#byId.get(part)?.readers.set(reader, offset);
  }

  get(topic: Topic, project: number): Part {
    return this.#byTopic[topic].get(project) ?? this.#add(this.#nextId, topic, project, 1, 0);
  }

  all(): Part[] {
    return [...this.#byId.values()];
  }

  /** Resolves when the part has a record after `after`. */
  wait(part: Part, after: number, signal: AbortSignal): Promise<void> {
    if (part.last > after) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => waiter.settle(signal.reason);
    const waiter: Waiter = {
      after,
      settle(error) {
        part.waiting.delete(waiter);
        signal.removeEventListener("abort", abort);
        if (error === undefined) resolve();
        else reject(error);
      },
    };
    part.waiting.add(waiter);
    signal.addEventListener("abort", abort);
    return promise;
  }

  /** Wakes the readers that wait for what the part now has. */
  wake(part: Part): void {
    for (const waiter of part.waiting) if (part.last > waiter.after) waiter.settle();
  }

  rejectWaiting(error: Error): void {
    for (const part of this.#byId.values()) for (const waiter of part.waiting) waiter.settle(error);
  }

  /**
   * How far retention may delete in each part that has any records: up to what every reader has passed. An inbox
   * without a reader waits for its router.
   */
  floors(before: Record<Topic, number>): Trim["floors"] {
    const floors: Trim["floors"] = [];
    for (const part of this.#byId.values()) {
      if (part.topic === "inbox" && part.readers.size === 0) continue;
      const floor = Math.min(part.last, ...part.readers.values());
      if (floor >= part.first) floors.push({ part: part.id, floor, before: before[part.topic] });
    }
    return floors;
  }

  setFirsts(firsts: { part: number; first: number }[]): void {
    for (const { part, first } of firsts) {
      const known = this.#byId.get(part);
      if (known) known.first = first;
    }
  }

  #add(id: number, topic: Topic, project: number, first: number, last: number): Part {
    const part: Part = { id, topic, project, first, last, readers: new Map(), waiting: new Set() };
    this.#byTopic[topic].set(project, part);
    this.#byId.set(id, part);
    this.#nextId = Math.max(this.#nextId, id + 1);
    return part;
  }
}
