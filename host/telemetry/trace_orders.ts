/**
 * Which events an operator wants to trace for some minutes: those of one distinct_id, or one in every so many.
 * @module
 */

import type { StoredRecord } from "../log/event_log.ts";

export interface TraceOrder {
  id: string;
  project: number;
  /** If absent, events of every distinct_id. */
  distinctId?: string;
  /** One in this many events; 1 means every event. */
  oneIn: number;
  until: number;
  /** How many bytes may still be stored. */
  bytesLeft: number;
  /** How many events have been chosen so far. */
  chosen: number;
}

export interface TraceOrders {
  add(order: Omit<TraceOrder, "id" | "chosen">): TraceOrder;
  /** The orders that have not expired. */
  list(): TraceOrder[];
  /** True if the order existed. */
  remove(id: string): boolean;
  /** The indices of the records that should be traced. */
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
    // What the plugins make of an event is about as large as the event.
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
