/**
 * Logs browsers in and out. These handlers run before the API's authentication and set cookies, so they are not routes
 * like the others.
 * @module
 */

import type { Context } from "hono";
import { z } from "zod";
import type { Arrival, ArrivalOf, ConnectionInfo } from "../../../capture/arrival.ts";
import type { Access } from "../../access/access.ts";
import { cookieHeader, readCookie, type Session } from "../../access/sessions.ts";
import { invalidInput } from "../../api_error.ts";
import { readRequestBody } from "../../read_request_body.ts";
import type { Operation } from "../../route.ts";
import { doneOut } from "../../schemas.ts";
import { ROLES } from "../../access/tokens.ts";

const BASE = "/_hogpen/api";
const MAX_BODY_BYTES = 4096;
const OPERATION = {
  path: `${BASE}/session`,
  params: z.object({}),
  query: z.object({}),
  body: undefined,
  takesFile: false,
  answerType: "application/json",
};
const sessionOut = z.object({ name: z.string(), role: z.enum(ROLES), csrf_token: z.string() });
const logInSchema = z.object({ token: z.string().min(1).max(1000) });

export interface SessionHandlersOptions {
  access: Access;
  arrivalOf: ArrivalOf;
}

interface SessionHandler extends Operation {
  handle(context: Context<{ Bindings: ConnectionInfo }>): Promise<Response>;
}

/** `POST` {token} logs in, `GET` tells who is logged in, and `DELETE` logs out. */
export function sessionHandlers({ access, arrivalOf }: SessionHandlersOptions): SessionHandler[] {
  return [
    {
      ...OPERATION,
      method: "POST",
      summary: "Logs a browser in: the session is a cookie, and `csrf_token` is the header that changes need",
      body: logInSchema,
      response: sessionOut,
      errors: {
        400: "The body is not as it should be",
        401: "The token is wrong",
        413: "The body is larger than 4 KB",
        429: "Too many wrong tokens came from this address",
      },
      async handle({ req: { raw: request }, env }) {
        const arrival = arrivalOf(request, env);
        const { key, session } = await access.logIn(await readToken(request), arrival.address);
        return Response.json(showSession(session), { headers: { "set-cookie": cookie(arrival, key) } });
      },
    },
    {
      ...OPERATION,
      method: "GET",
      summary: "Who one is",
      response: sessionOut.extend({ csrf_token: z.string().nullable().describe("Null without a session.") }),
      errors: { 401: "Nobody is logged in", 429: "Too many wrong tokens came from this address" },
      async handle({ req: { raw: request }, env }) {
        const { name, role, session } = await access.admit(request, arrivalOf(request, env).address);
        return Response.json(session ? { ...showSession(session), role } : { name, role, csrf_token: null });
      },
    },
    {
      ...OPERATION,
      method: "DELETE",
      summary: "Logs out",
      response: doneOut,
      errors: {},
      async handle({ req: { raw: request }, env }) {
        const key = readCookie(request.headers.get("cookie"));
        if (key !== null) await access.sessions.end(key);
        return Response.json({ status: "ok" }, {
          headers: { "set-cookie": cookie(arrivalOf(request, env), "") },
        });
      },
    },
  ];
}

async function readToken(request: Request): Promise<string> {
  const text = new TextDecoder().decode(await readRequestBody(request, MAX_BODY_BYTES));
  try {
    return logInSchema.parse(JSON.parse(text)).token;
  } catch {
    throw invalidInput('Cannot log in: expected a body like {"token": "hog_…"}', "token");
  }
}

function showSession({ name, role, csrf }: Session) {
  return { name, role, csrf_token: csrf };
}

/** A page that was served over HTTPS gets a cookie for HTTPS only. */
function cookie({ origin, prefix }: Arrival, key: string): string {
  return cookieHeader(key, `${prefix}/_hogpen`, origin.startsWith("https:"));
}
