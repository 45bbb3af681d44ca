/**
 * The hosts that share the work.
 * @module
 */

import { z } from "zod";
import type { EventLog } from "../../log/event_log.ts";
import { type ListedHost, withoutOwner } from "../../store/host_reports.ts";
import { type Route, route } from "../route.ts";
import { listOf, timeOut } from "../schemas.ts";

const hostOut = z.object({
  id: z.string(),
  name: z.string().describe("The name of its machine."),
  url: z.string().nullable().describe("Where it listens, as it calls that itself."),
  this_host: z.boolean().describe("Whether it is the host that answers."),
  alive: z.boolean().describe("Whether it has reported within 30 s. Hosts that stop are not listed."),
  role: z.string(),
  version: z.string(),
  started_at: timeOut,
  last_seen_at: timeOut.describe("When it last reported; by its own clock."),
  revision: z.string().describe("Names the configuration that it has applied: equal ones have the same."),
  partitions: z.object({
    inbox: z.array(z.number().int()).describe("What is in them passes the plugins here."),
    outbox: z.array(z.number().int()).describe("What is in them is delivered from here."),
  }).nullable().describe("Those of Kafka's partitions that it owns; null when its event log is its own."),
  lag: z.object({ events: z.number(), seconds: z.number() }).describe(
    "Of the slowest of its consumers, or of the project whose events wait longest for its plugins.",
  ),
});

const hostsOut = listOf(hostOut).extend({
  without_owner: z.object({
    inbox: z.array(z.number().int()).describe("What is in them passes no plugins at present."),
    outbox: z.array(z.number().int()).describe("What is in them is not delivered at present."),
  }).describe("The partitions that no live host owns. There are some for a moment whenever hosts come and go."),
});

export interface HostRoutesOptions {
  hosts: { list(): Promise<ListedHost[]> };
  log: Pick<EventLog, "share">;
}

export function hostRoutes({ hosts, log }: HostRoutesOptions): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/hosts",
      summary: "Every host on the same store, the one that answers included",
      response: hostsOut,
      async handle() {
        const list = await hosts.list();
        return { results: list.map(shown), next: null, without_owner: withoutOwner(list, log.share()?.all ?? 0) };
      },
    }),
  ];
}

function shown({ startedAt, seenAt, isSelf, ...rest }: ListedHost): z.input<typeof hostOut> {
  return { ...rest, this_host: isSelf, started_at: startedAt, last_seen_at: seenAt };
}
