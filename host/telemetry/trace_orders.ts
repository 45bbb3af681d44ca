/**
 * Which events somebody wants to see the way of: those of a distinct_id, or one in so many, for some minutes.
 * @module
 */

import type { StoredRecord } from "../log/event_log.ts";

export interface TraceOrder {
  id: string;
  project: number;
  /** Absent: of any. */
  distinctId?: string;
  /** One in so many; 1: every one. */
  oneIn: number;
  until: number;
  /** Bytes that may still be kept. */
  bytesLeft: number;
  /** Events chosen so far. */
  chosen: number;
}

export interface TraceOrders {
  add(order: Omit<TraceOrder, "id" | "chosen">): TraceOrder;
  /** Those that have not ended. */
  list(): TraceOrder[];
  /** True when there was one. */
  remove(id: string): boolean;
  /** Indices of the records to be traced. */
  choose(project: number, records: StoredRecord[]): number[];
}

export const MOST_ORDERS = 50;

export function createTraceOrders(now: () => number): TraceOrders {
  const orders = new Map<string, TraceOrder>();
  const seen = new Map<string, number>();

  function forget(id: string): boolean {
    seen.delete(id);
    return orders.delete(id);
  }

  function list(): TraceOrder[] {
    for (const { id, until, bytesLeft } of orders.values()) if (until <= now() || bytesLeft <= 0) forget(id);
    return [...orders.values()];
  }

  function chooses(order: TraceOrder, record: StoredRecord): boolean {
    if (order.bytesLeft <= 0 || (order.distinctId !== undefined && order.distinctId !== record.key)) return false;
    const count = (seen.get(order.id) ?? 0) + 1;
    seen.set(order.id, count);
    if (count % order.oneIn !== 0) return false;
    order.chosen++;
    // What the plugins make of it is about as large as it was.
    order.bytesLeft -= 2 * record.event.byteLength;
    return true;
  }

  return {
    add(given) {
      const order = { ...given, id: crypto.randomUUID(), chosen: 0 };
      orders.set(order.id, order);
      return order;
    },
    list,
    remove: forget,
    choose(project, records) {
      if (orders.size === 0) return [];
      const own = list().filter((order) => order.project === project);
      if (own.length === 0) return [];
      return records.flatMap((record, index) => own.some((order) => chooses(order, record)) ? [index] : []);
    },
  };
}
