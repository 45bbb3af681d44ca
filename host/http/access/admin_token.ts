/**
 * The first key to the API. It is set by the operator, or made at the first start and kept in the data folder. Further
 * tokens are created with it (tokens.ts).
 * @module
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";

/** The file's name in the data folder. */
const FILE = "admin_token";

export interface AdminToken {
  token: string;
  /** The file that holds the token; null when the operator set it. */
  path: string | null;
  /** True only at the start that made the token, the one time it is shown. */
  made: boolean;
}

/**
 * The admin token. `fixed` (HOGPEN_ADMIN_TOKEN) takes precedence over the file. Without a file, one is created that
 * only its owner can read.
 */
export async function loadAdminToken(dataFolder: string, fixed: string | undefined): Promise<AdminToken> {
  if (fixed) return { token: fixed, path: null, made: false };
  const path = join(dataFolder, FILE);
  const token = `hog_${randomBytes(24).toString("base64url")}`;
  try {
    // createNew: of two services that start together, one creates the token and the other reads it.
    await Deno.writeTextFile(path, `${token}\n`, { mode: 0o600, createNew: true });
    return { token, path, made: true };
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const kept = (await Deno.readTextFile(path)).trim();
  if (kept !== "") return { token: kept, path, made: false };
  throw new Error(`Cannot use the admin token in ${path}: the file is empty. Delete it to have a new one made`);
}

/** Returns a check that takes the same time for every wrong key. */
export function createKeyCheck(key: string): (given: string) => boolean {
  const expected = digest(key);
  return (given) => timingSafeEqual(digest(given), expected);
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
