/**
 * Further tokens of the API: named, for admins or viewers, with an expiry, and revocable. The store keeps only their
 * hashes.
 * @module
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { NewAuditEntry, Thing, Things } from "../../store/things.ts";

/** Admins may do everything; viewers may read everything but secrets. */
export const ROLES = ["admin", "viewer"] as const;
export type Role = typeof ROLES[number];

const tokenSchema = z.object({
  name: z.string(),
  role: z.enum(ROLES),
  /** SHA-256 in hexadecimal. The token is random, so a slow hash would add nothing. */
  hash: z.string(),
  createdAt: z.number(),
  createdBy: z.string(),
  expiresAt: z.number().nullable(),
});

export interface TokenRecord extends z.infer<typeof tokenSchema> {
  id: string;
}

export interface NewToken {
  name: string;
  role: Role;
  /** Null when the token does not expire. */
  expiresAt: number | null;
}

const KIND = "token";
const FORMAT = /^hogt_([0-9a-f]{12})_([\w-]{32})$/;

export interface Tokens {
  list(): Promise<TokenRecord[]>;
  /** Returns the token itself, which is shown only this once. */
  create(token: NewToken, actor: string): Promise<{ token: string; record: TokenRecord }>;
  /** False when no token has this id. */
  revoke(id: string, actor: string): Promise<boolean>;
  /** The token's record; null when it is unknown, revoked or expired. */
  find(token: string): Promise<TokenRecord | null>;
  get(id: string): Promise<TokenRecord | null>;
  /** Whether the text looks like a token, whether or not it is valid. */
  hasForm(token: string): boolean;
}

export function createTokens(things: Things, now: () => number): Tokens {
  async function get(id: string): Promise<TokenRecord | null> {
    const thing = await things.get(KIND, id);
    const record = thing && recordOf(thing);
    return record && (record.expiresAt === null || record.expiresAt > now()) ? record : null;
  }

  return {
    get,
    hasForm: (token) => FORMAT.test(token),
    list: async () => (await things.list(KIND)).map(recordOf).sort((a, b) => b.createdAt - a.createdAt),
    async create({ name, role, expiresAt }, actor) {
      const id = randomBytes(6).toString("hex");
      const secret = randomBytes(24).toString("base64url");
      const record = { name, role, hash: hashOf(secret), createdAt: now(), createdBy: actor, expiresAt };
      await things.change([{ kind: KIND, id, value: JSON.stringify(record), ifVersion: 0 }], [
        entry(actor, "create", id, null, { name, role, expires_at: expiresAt }),
      ]);
      return { token: `hogt_${id}_${secret}`, record: { ...record, id } };
    },
    async revoke(id, actor) {
      const thing = await things.get(KIND, id);
      if (thing === null) return false;
      const { name, role } = recordOf(thing);
      await things.change([{ kind: KIND, id, value: null }], [entry(actor, "delete", id, { name, role }, null)]);
      return true;
    },
    async find(token) {
      const [, id, secret] = FORMAT.exec(token) ?? [];
      if (id === undefined || secret === undefined) return null;
      const record = await get(id);
      const matches = record !== null && timingSafeEqual(bytesOf(hashOf(secret)), bytesOf(record.hash));
      return matches ? record : null;
    },
  };
}

function recordOf({ id, value }: Thing): TokenRecord {
  return { id, ...tokenSchema.parse(JSON.parse(value)) };
}

function entry(actor: string, action: string, id: string, before: unknown, after: unknown): NewAuditEntry {
  const text = (value: unknown) => value === null ? null : JSON.stringify(value);
  return { actor, action, target: `tokens/${id}`, before: text(before), after: text(after) };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function bytesOf(hex: string): Uint8Array {
  return new TextEncoder().encode(hex);
}
