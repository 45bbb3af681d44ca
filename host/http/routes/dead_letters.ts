/**
 * Dead letters: listing, repairing, requeueing and deleting them.
 * @module
 */

import { z } from "zod";
import type { DeadLetter, DeadLetters, DeadLetterSelection } from "../../store/store.ts";
import { conflict, invalidInput, notFound } from "../api_error.ts";
import { type Route, route } from "../route.ts";
import { DONE, doneOut, idIn, limitUpTo, listOf, timeIn, timeOut } from "../schemas.ts";

const deadLetterOut = z.object({
  id: z.string(),
  team_id: z.number(),
  consumer: z.string().describe("Who gave up, such as `processEvent:39` or `destination:1/warehouse`."),
  reason: z.string(),
  at: timeOut,
  event: z.unknown().describe("The event; as text when it is not JSON."),
});

const selectionIn = z.strictObject({
  team_id: z.int().optional(),
  consumer: z.string().optional(),
  reason: z.string().optional(),
  before: timeIn.optional(),
  after: timeIn.optional(),
  all: z.boolean().default(false),
});

/** Keeps a request from taking minutes. */
const MOST_AT_ONCE = 1000;

export interface DeadLetterRoutesOptions {
  deadLetters: Pick<DeadLetters, "list" | "get" | "remove" | "total" | "groups" | "edit" | "removeAll">;
  /**
   * Passes the event again to the consumer or function that gave it up. Rejects with the reason when it was not
   * accepted.
   */
  requeue(letter: DeadLetter): Promise<void>;
}

export function deadLetterRoutes({ deadLetters, requeue }: DeadLetterRoutesOptions): Route[] {
  const params = { id: z.string() };
  const errors = { 404: "No such dead letter" };

  async function find(id: string): Promise<DeadLetter> {
    const letter = await deadLetters.get(id);
    if (!letter) throw notFound(`There is no dead letter ${id}`);
    return letter;
  }

  return [
    route({
      method: "GET",
      path: "/_hogpen/api/dead_letters",
      summary: "Dead letters, newest first",
      query: {
        team_id: idIn.optional(),
        consumer: z.string().optional(),
        reason: z.string().optional(),
        before: timeIn.optional().describe("Exclusive."),
        after: timeIn.optional().describe("Exclusive."),
        total: z.stringbool().default(false).describe("Whether to count all that fit."),
        limit: limitUpTo(1000, 100),
        next: z.string().optional().describe("`next` of the page before."),
      },
      response: listOf(deadLetterOut).extend({ total: z.number().nullable() }),
      async handle({ query: { limit, next: from, total: counts, ...query } }) {
        const selection = selectionOf(query);
        const [{ results, next }, total] = await Promise.all([
          deadLetters.list({ ...selection, limit, ...(from && { next: from }) }),
          counts ? deadLetters.total(selection) : null,
        ]);
        return { results: results.map(showLetter), next, total };
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/dead_letter_groups",
      summary: "Dead letters counted by consumer and reason, most first",
      query: { team_id: idIn.optional(), consumer: z.string().optional(), limit: limitUpTo(500, 100) },
      response: listOf(
        z.object({
          team_id: z.number(),
          consumer: z.string(),
          reason: z.string(),
          count: z.number(),
          latest_at: timeOut,
        }),
      ),
      async handle({ query: { limit, ...query } }) {
        const groups = await deadLetters.groups(selectionOf(query), limit);
        const results = groups.map(({ teamId, latestAt, ...group }) => ({
          ...group,
          team_id: teamId,
          latest_at: latestAt,
        }));
        return { results, next: null };
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/dead_letters/requeue",
      summary:
        "Tries those that fit again where they failed, oldest last, up to a thousand; those that were taken are deleted",
      body: selectionIn,
      response: z.object({ requeued: z.number(), refused: z.number(), last_refusal: z.string().nullable() }),
      errors: { 400: "Nothing chosen" },
      async handle({ body }) {
        const { results } = await deadLetters.list({ ...chosen(body), limit: MOST_AT_ONCE });
        let requeued = 0;
        let refusal: string | null = null;
        for (const letter of results) {
          try {
            await requeue(letter);
            await deadLetters.remove(letter.id);
            requeued++;
          } catch (error) {
            refusal = error instanceof Error ? error.message : String(error);
          }
        }
        return { requeued, refused: results.length - requeued, last_refusal: refusal };
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/dead_letters/delete",
      summary: "Deletes those that fit",
      body: selectionIn,
      response: z.object({ deleted: z.number() }),
      errors: { 400: "Nothing chosen" },
      handle: async ({ body }) => ({ deleted: await deadLetters.removeAll(chosen(body)) }),
    }),
    route({
      method: "PATCH",
      path: "/_hogpen/api/dead_letters/{id}",
      summary: "Puts a repaired event in the place of one",
      params,
      body: z.strictObject({ event: z.record(z.string(), z.unknown()) }),
      response: deadLetterOut,
      errors,
      async handle({ params: { id }, body }) {
        if (!await deadLetters.edit(id, JSON.stringify(body.event))) throw notFound(`There is no dead letter ${id}`);
        return showLetter(await find(id));
      },
    }),
    route({
      method: "GET",
      path: "/_hogpen/api/dead_letters/{id}",
      summary: "One dead letter",
      params,
      response: deadLetterOut,
      errors,
      handle: async ({ params: { id } }) => showLetter(await find(id)),
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/dead_letters/{id}",
      summary: "Deletes a dead letter",
      params,
      response: doneOut,
      errors,
      async handle({ params: { id } }) {
        if (!await deadLetters.remove(id)) throw notFound(`There is no dead letter ${id}`);
        return DONE;
      },
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/dead_letters/{id}/requeue",
      summary: "Tries the event again where it failed, and deletes the dead letter when it was taken",
      params,
      response: doneOut,
      errors: { ...errors, 409: "It was not taken; the dead letter stays" },
      async handle({ params: { id } }) {
        const letter = await find(id);
        try {
          await requeue(letter);
        } catch (error) {
          throw conflict(`Cannot requeue dead letter ${id}: ${error instanceof Error ? error.message : error}`);
        }
        await deadLetters.remove(id);
        return DONE;
      },
    }),
  ];
}

function selectionOf(
  { team_id: teamId, consumer, reason, before, after }: Partial<z.output<typeof selectionIn>>,
): DeadLetterSelection {
  return {
    ...(teamId !== undefined && { teamId }),
    ...(consumer && { consumer }),
    ...(reason && { reason }),
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
  };
}

/** An empty selection would match everything, which must be requested explicitly. */
function chosen({ all, ...body }: z.output<typeof selectionIn>): DeadLetterSelection {
  const selection = selectionOf(body);
  if (all || Object.keys(selection).length > 0) return selection;
  throw invalidInput('Cannot choose dead letters: expected a filter, or {"all": true}');
}

function showLetter({ id, teamId, consumer, reason, at, event }: DeadLetter): z.input<typeof deadLetterOut> {
  return { id, team_id: teamId, consumer, reason, at, event: parsed(event) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
