/**
 * Tokens of the API: creating, listing and revoking them.
 * @module
 */

import { z } from "zod";
import { ROLES, type TokenRecord, type Tokens } from "../../access/tokens.ts";
import { invalidInput, notFound } from "../../api_error.ts";
import { type Route, route } from "../../route.ts";
import { DONE, doneOut, listOf, pageIn, pageOf, timeIn, timeOut } from "../../schemas.ts";

const tokenOut = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES).describe("`admin` may do everything, `viewer` may read what is not secret."),
  created_at: timeOut,
  created_by: z.string(),
  expires_at: timeOut.nullable(),
});

const tokenIn = z.object({
  name: z.string().trim().min(1).max(100).describe("Who or what uses it; the audit shows it."),
  role: z.enum(ROLES).default("viewer"),
  expires_at: timeIn.nullable().default(null).describe("Null: it does not end by itself."),
});

export function tokenRoutes(tokens: Tokens): Route[] {
  return [
    route({
      method: "GET",
      path: "/_hogpen/api/tokens",
      summary: "Tokens besides the admin token of the data folder, newest first",
      query: pageIn(100),
      response: listOf(tokenOut),
      handle: async ({ query }) => pageOf((await tokens.list()).map(showToken), query),
    }),
    route({
      method: "POST",
      path: "/_hogpen/api/tokens",
      summary: "Makes a token; it is shown this once",
      body: tokenIn,
      response: tokenOut.extend({ token: z.string() }),
      errors: { 400: "`expires_at` lies in the past" },
      audit: "self",
      async handle({ body: { name, role, expires_at: expiresAt }, actor }) {
        if (expiresAt !== null && !(expiresAt > Date.now() && expiresAt <= 8.64e15)) {
          throw invalidInput("Cannot make a token: expected `expires_at` to lie in the future", "expires_at");
        }
        const { token, record } = await tokens.create({ name, role, expiresAt }, actor.name);
        return { ...showToken(record), token };
      },
    }),
    route({
      method: "DELETE",
      path: "/_hogpen/api/tokens/{id}",
      summary: "Takes a token back, and ends the sessions that began with it",
      params: { id: z.string() },
      response: doneOut,
      errors: { 404: "No such token" },
      audit: "self",
      async handle({ params: { id }, actor }) {
        if (!await tokens.revoke(id, actor.name)) throw notFound(`There is no token ${id}`);
        return DONE;
      },
    }),
  ];
}

function showToken({ id, name, role, createdAt, createdBy, expiresAt }: TokenRecord): z.input<typeof tokenOut> {
  return { id, name, role, created_at: createdAt, created_by: createdBy, expires_at: expiresAt };
}
