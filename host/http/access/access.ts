/**
 * Determines who sends a request to the API and whether they may, by a token in the Authorization header or by a
 * browser's session.
 * @module
 */

import { createHash } from "node:crypto";
import type { Things } from "../../store/things.ts";
import { ApiError } from "../api_error.ts";
import { createKeyCheck } from "./admin_token.ts";
import { createSessions, readCookie, type Session, type Sessions } from "./sessions.ts";
import { createSlowDown } from "./slow_down.ts";
import { createTokens, type Role, type Tokens } from "./tokens.ts";

/** A person or program that acts. */
export interface Actor {
  /** The name that the audit shows. */
  name: string;
  role: Role;
}

/** The caller, with the session of their browser if there is one. */
export interface Caller extends Actor {
  session: Session | null;
}

export interface Access {
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  /** Rejects with an ApiError (401, 403, 429). `address` is the client's. */
  admit(request: Request, address: string): Promise<Caller>;
  /** Starts a session with a token. Rejects with an ApiError when the token is wrong. */
  logIn(token: string, address: string): Promise<{ key: string; session: Session }>;
  /** Whether the token is valid for the API; used for other things that such a token opens. */
  knows(token: string, address: string): Promise<boolean>;
  /** The admin token of the data folder. */
  isAdminToken(token: string): boolean;
  /** Whether it is or was a token of this service, so that it must not be shown to anybody else. */
  isOurs(token: string): boolean;
}

export const CSRF_HEADER = "x-csrf-token";
const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * With `readOnlySessions`, browsers may look but not change anything, whoever has logged in; tokens keep their rights.
 */
export function createAccess(
  adminToken: string,
  things: Things,
  now: () => number,
  readOnlySessions = false,
): Access {
  const isAdminToken = createKeyCheck(adminToken);
  const adminHash = createHash("sha256").update(adminToken).digest("hex");
  const tokens = createTokens(things, now);
  const sessions = createSessions(things, now);
  const slowDown = createSlowDown(now);

  async function check(token: string, address: string): Promise<Actor & { tokenId: string | null }> {
    const waitMs = slowDown.wait(address);
    if (waitMs > 0) throw tooManyTries(waitMs);
    if (isAdminToken(token)) {
      slowDown.succeeded(address);
      return { name: "admin token", role: "admin", tokenId: null };
    }
    const record = await tokens.find(token);
    if (record === null) {
      slowDown.failed(address);
      throw new ApiError(401, "authentication_error", "authentication_failed", "Invalid admin token.");
    }
    slowDown.succeeded(address);
    return { name: record.name, role: record.role, tokenId: record.id };
  }

  async function findSession(request: Request): Promise<Session | null> {
    const key = readCookie(request.headers.get("cookie"));
    const session = key === null ? null : await sessions.find(key);
    if (session === null) return null;
    const holds = session.tokenId === null
      ? session.tokenHash === adminHash
      : await tokens.get(session.tokenId) !== null;
    return holds ? session : null;
  }

  function roleOf({ role }: Pick<Session, "role">): Session["role"] {
    return readOnlySessions ? "viewer" : role;
  }

  async function identify(request: Request, address: string): Promise<Caller> {
    const token = bearerOf(request);
    if (token !== null) {
      const { name, role } = await check(token, address);
      return { name, role, session: null };
    }
    const session = await findSession(request);
    if (session === null) {
      throw new ApiError(
        401,
        "authentication_error",
        "not_authenticated",
        "Authentication credentials were not provided.",
      );
    }
    // SameSite keeps the cookie out of other sites' requests. This also excludes requests of other pages of the same
    // site.
    if (!READS.has(request.method) && request.headers.get(CSRF_HEADER) !== session.csrf) {
      throw forbidden("csrf_failed", `Cannot change anything without the header ${CSRF_HEADER} of this session`);
    }
    return { name: session.name, role: roleOf(session), session };
  }

  return {
    tokens,
    sessions,
    isAdminToken,
    isOurs: (token) => isAdminToken(token) || tokens.hasForm(token),
    async admit(request, address) {
      const caller = await identify(request, address);
      if (caller.role === "viewer" && !READS.has(request.method)) {
        throw forbidden("permission_denied", "A viewer may read, not change: use a token with the role admin");
      }
      return caller;
    },
    async logIn(token, address) {
      const { name, role, tokenId } = await check(token, address);
      const tokenHash = tokenId === null ? adminHash : null;
      return await sessions.begin({ name, role: roleOf({ role }), tokenId, tokenHash });
    },
    knows: (token, address) => check(token, address).then(() => true, () => false),
  };
}

/** The token in the Authorization header. */
export function bearerOf(request: Request): string | null {
  return /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
}

function forbidden(code: string, detail: string): ApiError {
  return new ApiError(403, "authentication_error", code, detail);
}

function tooManyTries(waitMs: number): ApiError {
  const seconds = Math.ceil(waitMs / 1000);
  return new ApiError(
    429,
    "authentication_error",
    "too_many_tries",
    `Too many wrong tokens came from this address: try again in ${seconds} s`,
    null,
    { "retry-after": String(seconds) },
  );
}
