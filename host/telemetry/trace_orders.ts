/**
 * Which events somebody wants to see the way of: those of a distinct_id, or one in so many, for some minutes. The
 * orders are kept in the store, so that they outlast a restart and hold for every host on it.
 * @module
 */

import { z } from "zod";
import type { StoredRecord } from "../log/event_log.ts";
import type { Settings } from "../store/store.ts";

const orderSchema = z.object({
  id: z.string(),
  project: z.int(),
  /** Absent: of any. */
  distinctId: z.string().exactOptional(),
  /** One in so many; 1: every one. */
  oneIn: z.int().min(1),
  until: z.number(),
  /** Bytes that each host may keep, counted from its start. */
  bytes: z.number(),
});

type StoredOrder = z.infer<typeof orderSchema>;

export interface TraceOrder extends StoredOrder {
  /** Of this host. */
  bytesLeft: number;
  /** Events that this host has chosen so far. */
  chosen: number;
}

export interface TraceOrders {
  /** Rejects when it cannot be stored, and is not given then. */
  add(order: Omit<StoredOrder, "id">): Promise<TraceOrder>;
  /** Those that have not ended. */
  list(): TraceOrder[];
  /** True when there was one. */
  remove(id: string): Promise<boolean>;
  /** Takes up what was ordered and ended elsewhere, or before a restart. */
  look(): Promise<void>;
  /** Indices of the records to be traced. */
  choose(project: number, records: StoredRecord[]): number[];
}

export interface TraceOrdersOptions {
  settings: Settings;
  now: () => number;
}

export const MOST_ORDERS = 50;
const KEY_PREFIX = "trace_order:";

export function createTraceOrders({ settings, now }: TraceOrdersOptions): TraceOrders {
  const orders = new Map<string, TraceOrder>();
  const seen = new Map<string, number>();

  function take(stored: StoredOrder): TraceOrder {
    const order = { ...stored, bytesLeft: stored.bytes, chosen: 0 };
    orders.set(order.id, order);
    return order;
  }

  function forget(id: string): boolean {
    seen.delete(id);
    return orders.delete(id);
  }

  function isOver({ until }: StoredOrder): boolean {
    return until <= now();
  }

  /** An order without bytes is kept until its time is over: it would be taken up again otherwise. */
  function list(): TraceOrder[] {
    return [...orders.values()].filter((order) => !isOver(order) && order.bytesLeft > 0);
  }

  function chooses(order: TraceOrder, record: StoredRecord): boolean {
    if (order.bytesLeft <= 0 || (order.distinctId !== undefined && order.distinctId !== record.key)) return false;
    const count = (seen.get(order.id) ?? 0) + 1;
    seen.set(order.id, count);
    if (count % order.oneIn !== 0) return false;
    order.chosen++;
    // What the plugins make of an event is about as large as the event.
    order.bytesLeft -= 2 * record.event.byteLength;
    return true;
  }

  return {
    async add(given) {
      const stored = { ...given, id: crypto.randomUUID() };
      await settings.set(KEY_PREFIX + stored.id, JSON.stringify(stored));
      return take(stored);
    },
    list,
    async remove(id) {
      await settings.del(KEY_PREFIX + id);
      return forget(id);
    },
    async look() {
      const before = [...orders.keys()];
      const stored = new Map(
        Object.entries(await settings.list(KEY_PREFIX)).map((
          [key, text],
        ) => [key.slice(KEY_PREFIX.length), read(text)]),
      );
      for (const id of before) if (!stored.has(id)) forget(id);
      for (const [id, order] of stored) {
        if (order === null || isOver(order)) {
          forget(id);
          await settings.del(KEY_PREFIX + id);
        } else if (!orders.has(id)) take(order);
      }
    },
    choose(project, records) {
      if (orders.size === 0) return [];
      const own = list().filter((order) => order.project === project);
      if (own.length === 0) return [];
      return records.flatMap((record, index) => own.some((order) => chooses(order, record)) ? [index] : []);
    },
  };
}

/** Null when another version wrote it in another form. */
function read(text: string): StoredOrder | null {
  try {
    return orderSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
