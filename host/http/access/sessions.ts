/**
 * Browser sessions: instead of the token, a cookie that no script can read. A session ends by time, by logging out, or
 * with the token that started it.
 * @module
 */

import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import type { Things } from "../../store/things.ts";
import { ROLES } from "./tokens.ts";

const sessionSchema = z.object({
  /** The token that started the session; null for the admin token of the data folder. */
  tokenId: z.string().nullable(),
  /** The hash of the admin token that started it, so that the session ends when that token changes. */
  tokenHash: z.string().nullable(),
  name: z.string(),
  role: z.enum(ROLES),
  /** What a page must send along with a change. */
  csrf: z.string(),
  createdAt: z.number(),
  seenAt: z.number(),
});
export type Session = z.infer<typeof sessionSchema>;

export const COOKIE = "hogpen_session";
const KIND = "session";
const IDLE_MS = 12 * 3_600_000;
const ABSOLUTE_MS = 7 * 24 * 3_600_000;
/** How often, in milliseconds, the use of a session is stored. */
const TOUCH_MS = 60_000;

export interface Sessions {
  /** Returns the value of the cookie. */
  begin(session: Pick<Session, "tokenId" | "tokenHash" | "name" | "role">): Promise<{ key: string; session: Session }>;
  find(key: string): Promise<Session | null>;
  end(key: string): Promise<void>;
}

export function createSessions(things: Things, now: () => number): Sessions {
  const isOver = ({ createdAt, seenAt }: Session) => now() - seenAt > IDLE_MS || now() - createdAt > ABSOLUTE_MS;

  /** Expired sessions are deleted when a new one starts. */
  async function sweep(): Promise<void> {
    const over = (await things.list(KIND)).filter(({ value }) => isOver(sessionSchema.parse(JSON.parse(value))));
    if (over.length > 0) await things.change(over.map(({ id }) => ({ kind: KIND, id, value: null })), []);
  }

  return {
    async begin(given) {
      await sweep();
      const key = randomBytes(24).toString("base64url");
      const session = { ...given, csrf: randomBytes(18).toString("base64url"), createdAt: now(), seenAt: now() };
      await things.change([{ kind: KIND, id: idOf(key), value: JSON.stringify(session) }], []);
      return { key, session };
    },
    async find(key) {
      const thing = await things.get(KIND, idOf(key));
      if (thing === null) return null;
      const session = sessionSchema.parse(JSON.parse(thing.value));
      if (isOver(session)) return null;
      if (now() - session.seenAt > TOUCH_MS) {
        const value = JSON.stringify({ ...session, seenAt: now() });
        await things.change([{ kind: KIND, id: thing.id, value, ifVersion: thing.version }], []);
      }
      return session;
    },
    async end(key) {
      await things.change([{ kind: KIND, id: idOf(key), value: null }], []);
    },
  };
}

/** The header that sets the cookie. `secure` when the page was served over HTTPS. An empty key removes the cookie. */
export function cookieHeader(key: string, path: string, secure: boolean): string {
  const age = key === "" ? 0 : ABSOLUTE_MS / 1000;
  return `${COOKIE}=${key}; Path=${path}; Max-Age=${age}; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
}

/** The session's key from the Cookie header. */
export function readCookie(header: string | null): string | null {
  return new RegExp(`(?:^|;\\s*)${COOKIE}=([\\w-]+)`).exec(header ?? "")?.[1] ?? null;
}

/** A hash, so that reading the store reveals no key. */
function idOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
