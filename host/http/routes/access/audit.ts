/**
 * Who changed what, and when.
 * @module
 */

import { z } from "zod";
import type { Audit, AuditEntry } from "../../../store/things.ts";
import { type Route, route } from "../../route.ts";
import { limitUpTo, listOf, timeIn, timeOut } from "../../schemas.ts";

const entryOut = z.object({
  id: z.string(),
  at: timeOut,
  actor: z.string().describe("Name of the token, or `admin token`."),
  action: z.string(),
  target: z.string().describe("Such as `plugin_configs/39`."),
  before: z.unknown().describe("Without secrets; null when there was nothing."),
  after: z.unknown(),
});

export function auditRoutes(audit: Pick<Audit, "list">): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/audit",
      summary: "Changes, newest first",
      query: {
        actor: z.string().optional(),
        target: z.string().optional(),
        action: z.string().optional(),
        before: timeIn.optional().describe("Exclusive."),
        after: timeIn.optional().describe("Exclusive."),
        limit: limitUpTo(500, 50),
        next: z.string().optional().describe("`next` of the page before."),
      },
      response: listOf(entryOut),
      async handle({ query: { limit, ...filter } }) {
        const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
        const { results, next } = await audit.list({ limit, ...given });
        return { results: results.map(showEntry), next };
      },
    }),
  ];
}

function showEntry({ before, after, ...entry }: AuditEntry) {
  return { ...entry, before: parse(before), after: parse(after) };
}

function parse(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
