/**
 * The hosts that share the work.
 * @module
 */

import { z } from "zod";
import type { HostReport } from "../../store/host_reports.ts";
import { type Route, route } from "../route.ts";
import { listOf, timeOut } from "../schemas.ts";

const hostOut = z.object({
  id: z.string(),
  name: z.string().describe("The name of its machine."),
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

export function hostRoutes(hosts: { list(): Promise<HostReport[]> }): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/hosts",
      summary: "Every host on the same store, the one that answers included",
      response: listOf(hostOut),
      handle: async () => ({ results: (await hosts.list()).map(shown), next: null }),
    }),
  ];
}

function shown({ startedAt, seenAt, ...rest }: HostReport): z.input<typeof hostOut> {
  return { ...rest, started_at: startedAt, last_seen_at: seenAt };
}
