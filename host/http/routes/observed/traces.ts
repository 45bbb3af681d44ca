/**
 * Orders to trace events for some minutes: those of one distinct_id, or one in so many.
 * @module
 */

import { z } from "zod";
import type { ProjectConfig } from "../../../config/config.ts";
import { MOST_ORDERS, type TraceOrder, type TraceOrders } from "../../../telemetry/trace_orders.ts";
import { conflict, notFound } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, listOf, timeOut } from "../../schemas.ts";

const MAX_MEGABYTES = 50;

const orderOut = z.object({
  id: z.string(),
  team_id: z.number(),
  distinct_id: z.string().nullable(),
  one_in: z.number(),
  until: timeOut,
  chosen: z.number().describe("Events traced so far by this host since its start."),
  bytes_left: z.number().describe("It ends early when these are used up."),
});

const orderIn = z.object({
  team_id: z.int(),
  distinct_id: z.string().min(1).max(400).nullable().default(null).describe("Null: of any."),
  one_in: z.int().min(1).max(1_000_000).default(1),
  minutes: z.number().gt(0).max(24 * 60).default(5),
  megabytes: z.number().gt(0).max(MAX_MEGABYTES).default(10),
});

export interface TraceRoutesOptions {
  projects: () => readonly ProjectConfig[];
  traces: TraceOrders;
  now: () => number;
}

export function traceRoutes({ projects, traces, now }: TraceRoutesOptions): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/traces",
      summary: "Orders to trace events that have not ended; what they found is in /traced_events",
      response: listOf(orderOut),
      handle: () => Promise.resolve({ results: traces.list().map(showOrder), next: null }),
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/traces",
      summary: "Traces what each plugin makes of events, of a distinct_id or one in so many, for some minutes",
      body: orderIn,
      response: orderOut,
      errors: { 404: "No such project", 409: "Too many orders already" },
      async handle({ body }) {
        if (!projects().some(({ id }) => id === body.team_id)) throw notFound(`There is no project ${body.team_id}`);
        if (traces.list().length >= MOST_ORDERS) throw conflict(`Cannot trace more: ${MOST_ORDERS} orders run already`);
        const order = await traces.add({
          project: body.team_id,
          ...(body.distinct_id !== null && { distinctId: body.distinct_id }),
          oneIn: body.one_in,
          until: now() + body.minutes * 60_000,
          bytes: body.megabytes * 1024 * 1024,
        });
        return showOrder(order);
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/traces/{id}",
      summary: "Ends an order; what it found stays",
      params: { id: z.string() },
      response: doneOut,
      errors: { 404: "No such order" },
      async handle({ params: { id } }) {
        if (!await traces.remove(id)) throw notFound(`There is no order ${id}`);
        return DONE;
      },
    }),
  ];
}

function showOrder(order: TraceOrder): z.input<typeof orderOut> {
  return {
    id: order.id,
    team_id: order.project,
    distinct_id: order.distinctId ?? null,
    one_in: order.oneIn,
    until: order.until,
    chosen: order.chosen,
    bytes_left: Math.max(0, order.bytesLeft),
  };
}
