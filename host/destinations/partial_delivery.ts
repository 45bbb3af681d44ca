/**
 * Delivers a batch of which the far side may accept only a part. It halves requests that are too large, isolates an
 * event that is refused, and remembers what is settled when the rest has to wait. Parts are sent one after the other,
 * in the log's order.
 * @module
 */

import { type Rejection, TryLaterError } from "../consumers/sink.ts";
import type { Cursor, StoredRecord } from "../log/event_log.ts";

/**
 * How the far side answered a request that carried some events. An answer that says nothing about the events is thrown
 * as TryLaterError instead.
 */
export type PartOutcome =
  | { kind: "taken" }
  /** The request is larger than the far side accepts. An event that is too large alone is rejected. */
  | { kind: "too large"; reason: string }
  /** Something in the request is not acceptable. */
  | { kind: "refused"; reason: string }
  /** The far side failed on the request (HTTP 500): either an outage, or one event that it cannot process. */
  | { kind: "broke"; reason: string };

/** An event ready to be sent. */
export interface Item<T> {
  /** Index into the consumer's batch. */
  index: number;
  record: StoredRecord;
  content: T;
}

export interface PartialDeliveryOptions<T> {
  send(part: Item<T>[], signal: AbortSignal): Promise<PartOutcome>;
  /** Bytes that an item occupies in a request. */
  sizeOf(content: T): number;
  /**
   * Only adjacent items of the same group share a request; an item of the group `null` has a request of its own.
   * Absent: all items form one group.
   */
  groupOf?(content: T): string | null;
}

/** After this many deliveries of a batch that ended in "broke", an event is suspected. */
const SUSPECT_AFTER = 2;
/**
 * How many times another event must be accepted between two failures of the suspect, so that a far side that fails at
 * random convicts no event.
 */
const ROUNDS = 4;

/**
 * One per sink. Between two calls of deliver for the same batch it holds what became of the batch's events so far:
 *
 *     pending --taken--> settled (null)
 *        |----refused or too large, alone--------> settled (reason)
 *        |----broke alone, time and again, while another event is taken--> settled (reason)
 *        '----TryLaterError--> stays pending, for the next call
 */
export class PartialDelivery<T> {
  readonly #options: PartialDeliveryOptions<T>;
  /** Why an event of the current batch was rejected, or null when it was accepted. */
  readonly #settled = new Map<Cursor, string | null>();
  /** The first event of the current batch. */
  #batch: Cursor | null = null;
  #broken = 0;
  /** Kept from one batch to the next. */
  #lastTaken: Item<T> | undefined;
  /** Learnt from "too large": larger parts are halved before they are sent. */
  #maxBytes = Infinity;

  constructor(options: PartialDeliveryOptions<T>) {
    this.#options = options;
  }

  /** Resolves when every item is accepted or rejected. Rejects with TryLaterError when some of them have to wait. */
  async deliver(items: Item<T>[], signal: AbortSignal): Promise<Rejection[]> {
    const first = items[0];
    if (!first) return [];
    if (this.#batch !== first.record.cursor) this.#forget();
    this.#batch = first.record.cursor;
    await this.#deliverPending(items, signal);
    const rejections = items.flatMap(({ index, record }) => {
      const reason = this.#settled.get(record.cursor);
      return typeof reason === "string" ? [{ index, reason }] : [];
    });
    this.#forget();
    return rejections;
  }

  async #deliverPending(items: Item<T>[], signal: AbortSignal): Promise<void> {
    if (this.#broken >= SUSPECT_AFTER) return await this.#hunt(items, signal);
    const broke = await this.#sendPart(this.#unsettled(items), signal);
    if (broke !== null) throw this.#tryLater(broke);
  }

  /** Sends events until they are settled. Returns why the far side broke, or null. */
  async #sendPart(part: Item<T>[], signal: AbortSignal): Promise<string | null> {
    for (const chunk of this.#chunks(part)) {
      const outcome = await this.#options.send(chunk, signal);
      const [first] = chunk;
      if (outcome.kind === "broke") return outcome.reason;
      if (outcome.kind === "taken") {
        for (const item of chunk) this.#settled.set(item.record.cursor, null);
        this.#lastTaken = chunk.at(-1);
      } else if (chunk.length === 1 && first) {
        this.#settled.set(first.record.cursor, outcome.reason);
      } else {
        if (outcome.kind === "too large") this.#maxBytes = Math.ceil(this.#bytesOf(chunk) / 2);
        const middle = Math.ceil(chunk.length / 2);
        const broke = await this.#sendPart(chunk.slice(0, middle), signal) ??
          await this.#sendPart(chunk.slice(middle), signal);
        if (broke !== null) return broke;
      }
    }
    return null;
  }

  /**
   * Finds an event that breaks the far side each time it is sent. In an outage the search costs three requests and
   * rejects nothing, because an event is found guilty only when another one is accepted between every two of its
   * failures.
   */
  async #hunt(items: Item<T>[], signal: AbortSignal): Promise<void> {
    let pending = this.#unsettled(items);
    let part = pending;
    let wasUp = false;
    while (pending.length > 0) {
      const broke = await this.#sendPart(part, signal);
      wasUp ||= part.some((item) => this.#settled.get(item.record.cursor) === null);
      pending = this.#unsettled(pending);
      part = this.#unsettled(part);
      const [suspect, ...others] = part;
      if (broke === null || !suspect) {
        part = pending;
      } else if (others.length > 0) {
        part = part.slice(0, wasUp ? Math.ceil(part.length / 2) : 1);
      } else {
        await this.#confirm(suspect, pending, broke, signal);
        pending = this.#unsettled(pending);
        part = pending;
      }
    }
  }

  /** Rejects the suspect, or leaves it pending if the far side accepts nothing else either. */
  async #confirm(suspect: Item<T>, pending: Item<T>[], reason: string, signal: AbortSignal): Promise<void> {
    const witness = this.#witness(suspect, pending);
    const overtakes = witness !== this.#lastTaken && witness?.record.key === suspect.record.key;
    for (let round = 0; round < ROUNDS; round++) {
      if (!witness || (await this.#options.send([witness], signal)).kind !== "taken") throw this.#tryLater(reason);
      this.#settled.set(witness.record.cursor, null);
      // Sending the suspect again now would change the order of its distinct_id.
      if (overtakes) break;
      if (await this.#sendPart([suspect], signal) === null) return;
    }
    this.#settled.set(suspect.record.cursor, `${reason}; it takes other events`);
  }

  /**
   * An event that shows whether the far side is up. In this order: an event of another distinct_id from behind the
   * suspect, which keeps the order; the event accepted last, sent again, when nothing newer exists that it could undo;
   * or the next event.
   */
  #witness(suspect: Item<T>, pending: Item<T>[]): Item<T> | undefined {
    const keys = new Set([suspect.record.key]);
    const witnesses = pending.filter(({ record: { key } }) => !keys.has(key) && keys.add(key));
    if (this.#lastTaken) witnesses.push(this.#lastTaken);
    if (pending[1] && !witnesses.includes(pending[1])) witnesses.push(pending[1]);
    // A different one each time, because the first may share the suspect's fault.
    return witnesses[(this.#broken - SUSPECT_AFTER) % Math.max(1, witnesses.length)];
  }

  #unsettled(items: Item<T>[]): Item<T>[] {
    return items.filter((item) => !this.#settled.has(item.record.cursor));
  }

  #chunks(part: Item<T>[]): Item<T>[][] {
    const chunks: Item<T>[][] = [];
    let chunk: Item<T>[] = [];
    let bytes = 0;
    let group: string | null = null;
    for (const item of part) {
      const size = this.#options.sizeOf(item.content);
      const itsGroup = this.#options.groupOf === undefined ? "" : this.#options.groupOf(item.content);
      const fits = itsGroup !== null && itsGroup === group && bytes + size <= this.#maxBytes;
      if (chunk.length > 0 && !fits) {
        chunks.push(chunk);
        chunk = [];
        bytes = 0;
      }
      chunk.push(item);
      bytes += size;
      group = itsGroup;
    }
    if (chunk.length > 0) chunks.push(chunk);
    return chunks;
  }

  #bytesOf(part: Item<T>[]): number {
    return part.reduce((sum, item) => sum + this.#options.sizeOf(item.content), 0);
  }

  #tryLater(reason: string): TryLaterError {
    this.#broken++;
    return new TryLaterError(reason);
  }

  #forget(): void {
    this.#settled.clear();
    this.#batch = null;
    this.#broken = 0;
  }
}
