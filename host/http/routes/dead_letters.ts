/**
 * Events that something gave up on: seeing them, trying one again, letting one go.
 * @module
 */

import { z } from "zod";
import type { DeadLetter, DeadLetters } from "../../store/store.ts";
import { conflict, notFound } from "../api_error.ts";
import { type Route, route } from "../route.ts";
import { DONE, doneOut, idIn, limitUpTo, listOf, timeOut } from "../schemas.ts";

const deadLetterOut = z.object({
  id: z.string(),
  team_id: z.number(),
  consumer: z.string().describe("Who gave up, such as `processEvent:39` or `destination:1/warehouse`."),
  reason: z.string(),
  at: timeOut,
  event: z.unknown().describe("The event; as text when it is not JSON."),
});

export interface DeadLetterRoutesOptions {
  deadLetters: Pick<DeadLetters, "list" | "get" | "remove">;
  /** Gives the event again to who gave it up. Rejects with the reason when it was not taken. */
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
        limit: limitUpTo(1000, 100),
        next: z.string().optional().describe("`next` of the page before."),
      },
      response: listOf(deadLetterOut),
      async handle({ query }) {
        const { results, next } = await deadLetters.list({
          limit: query.limit,
          ...(query.team_id !== undefined && { teamId: query.team_id }),
          ...(query.consumer && { consumer: query.consumer }),
          ...(query.next && { next: query.next }),
        });
        return { results: results.map(showLetter), next };
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
