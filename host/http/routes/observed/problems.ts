/**
 * Failures of plugins, grouped by kind, and the warnings of intake.
 * @module
 */

import { z } from "zod";
import type { Problem, Problems } from "../../../store/observed.ts";
import { notFound } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, idIn, limitUpTo, listOf, timeOut } from "../../schemas.ts";

const problemOut = z.object({
  fingerprint: z.string(),
  team_id: z.number(),
  plugin_config_id: z.number().nullable(),
  place: z.string().describe("The function that failed, or the code of what was warned of."),
  message: z.string().describe("The newest one; others differ in what varies."),
  count: z.number(),
  first_at: timeOut,
  last_at: timeOut,
});

const problemInFullOut = problemOut.extend({
  stack: z.string().nullable(),
  sample: z.unknown().describe("An event that it happened to; null when there is none."),
});

const page = { limit: limitUpTo(500, 100), next: z.string().optional().describe("`next` of the page before.") };

export function problemRoutes(problems: Pick<Problems, "list" | "get" | "remove">): Route[] {
  const kinds = [
    { kind: "error", path: "/_hogpen/api/errors", what: "Failures of plugins by fingerprint, latest first" },
    {
      kind: "warning",
      path: "/_hogpen/api/ingestion_warnings",
      what: "What intake refused or warned of, latest first",
    },
  ] as const;
  const errors = { 404: "No such failure" };
  const params = { fingerprint: z.string() };

  return kinds.flatMap(({ kind, path, what }) => [
    route({
      method: "GET",
      path,
      summary: what,
      query: { team_id: idIn.optional(), plugin_config_id: idIn.optional(), ...page },
      response: listOf(problemOut),
      async handle({ query }) {
        const { results, next } = await problems.list({
          kind,
          limit: query.limit,
          ...(query.team_id !== undefined && { teamId: query.team_id }),
          ...(query.plugin_config_id !== undefined && { pluginConfigId: query.plugin_config_id }),
          ...(query.next && { next: query.next }),
        });
        return { results: results.map(showProblem), next };
      },
    }),
    route({
      method: "GET",
      path: `${path}/{fingerprint}`,
      summary: `One of ${path}, with stack and a sample event`,
      params,
      response: problemInFullOut,
      errors,
      async handle({ params: { fingerprint } }) {
        const problem = await problems.get(fingerprint);
        if (problem?.kind !== kind) throw notFound(`There is no failure ${fingerprint}`);
        return { ...showProblem(problem), stack: problem.stack, sample: parse(problem.sample) };
      },
    }),
    route({
      method: "DELETE",
      path: `${path}/{fingerprint}`,
      summary: "Forgets it, until it happens again",
      params,
      response: doneOut,
      errors,
      async handle({ params: { fingerprint } }) {
        if (!await problems.remove(fingerprint)) throw notFound(`There is no failure ${fingerprint}`);
        return DONE;
      },
    }),
  ]);
}

function showProblem(problem: Problem): z.input<typeof problemOut> {
  return {
    fingerprint: problem.fingerprint,
    team_id: problem.teamId,
    plugin_config_id: problem.pluginConfigId === 0 ? null : problem.pluginConfigId,
    place: problem.place,
    message: problem.message,
    count: problem.count,
    first_at: problem.firstAt,
    last_at: problem.lastAt,
  };
}

function parse(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
