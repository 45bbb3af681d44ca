/**
 * Requests of one cell that are not answered yet, and what caused the service calls made meanwhile.
 * @module
 */

import type { Cause } from "../../services/services.ts";
import type { EventOrigin } from "../plugin_runtime.ts";

/** A request as it waits for its answer. */
export interface Pending {
  id: number;
  /** For messages: `processEvent`, `job sendMail`. */
  what: string;
  /** Of each event of a batch, or of the job or task. */
  origins: EventOrigin[] | undefined;
  causeKind: Cause["kind"];
  causes: Map<number, Cause>;
  /** Memory of the cell when the request was sent. */
  memoryBytes: number;
  /** When every call in it has had its deadline, one after the other, by performance.now(). */
  dueAt: number;
  /** The sandbox said that it began with it. */
  taken: boolean;
  settle(payload: Uint8Array<ArrayBuffer>): void;
  reject(error: Error): void;
}

/** Answered requests whose causes are still known: a plugin often does not await what it captures. */
const REMEMBERED = 64;
/** Marks a call that was made for a whole batch, as exportEvents makes them. */
const WHOLE_BATCH = -1;

/** The requests of one cell, oldest first. */
export class InFlight {
  readonly #pending = new Map<number, Pending>();
  readonly #answered = new Map<number, Pick<Pending, "what" | "origins" | "causeKind" | "causes">>();
  #lastId = 0;

  get size(): number {
    return this.#pending.size;
  }

  get oldest(): Pending | undefined {
    return this.#pending.values().next().value;
  }

  add(pending: Omit<Pending, "id" | "causes" | "taken">): number {
    // 0 means no request.
    const id = this.#lastId = this.#lastId % 0xffff_fffe + 1;
    this.#pending.set(id, { ...pending, id, causes: new Map(), taken: false });
    return id;
  }

  /** Undefined when nobody asked. */
  get(id: number): Pending | undefined {
    return this.#pending.get(id);
  }

  delete(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    const { what, origins, causeKind, causes } = pending;
    this.#answered.set(id, { what, origins, causeKind, causes });
    for (const oldest of this.#answered.keys()) {
      if (this.#answered.size <= REMEMBERED) break;
      this.#answered.delete(oldest);
    }
  }

  /** Those that the sandbox took up, oldest first. */
  get taken(): Pending[] {
    return [...this.#pending.values()].filter(({ taken }) => taken);
  }

  rejectAll(errorFor: (pending: Pending) => Error): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of all) pending.reject(errorFor(pending));
  }

  /**
   * Finds the cause of a service call. The cell's word is taken only for something that is in flight, or was a moment
   * ago. Otherwise the deepest cause in flight is taken, so that a loop cannot hide its depth.
   */
  causeOf(named: { id: number; event?: number | undefined } | undefined): Cause {
    const found = named === undefined ? undefined : this.#pending.get(named.id) ?? this.#answered.get(named.id);
    if (found === undefined || found.causeKind === "other") return this.#unknownCause();
    const { what, origins = [{}], causeKind, causes } = found;
    const event = named?.event ?? WHOLE_BATCH;
    if (event >= origins.length) return this.#unknownCause();
    let cause = causes.get(event);
    if (cause === undefined) {
      const { depth = 0, occasion } = event === WHOLE_BATCH ? { depth: deepest(origins) } : origins[event] ?? {};
      cause = {
        kind: causeKind,
        depth,
        captured: 0,
        ...(occasion !== undefined && { occasion: `${what} ${occasion}` }),
      };
      causes.set(event, cause);
    }
    return cause;
  }

  #unknownCause(): Cause {
    const origins = [...this.#pending.values()].flatMap(({ origins = [] }) => origins);
    return { kind: "other", depth: deepest(origins), captured: 0 };
  }
}

function deepest(origins: EventOrigin[]): number {
  return origins.reduce((most, { depth = 0 }) => Math.max(most, depth), 0);
}

const UNKNOWN: EventOrigin = {};

/** Origins for a batch of `count` events, also when nothing is known of them. */
export function originsOf(count: number, origins: EventOrigin[] | undefined): EventOrigin[] {
  return origins ?? new Array<EventOrigin>(count).fill(UNKNOWN);
}
