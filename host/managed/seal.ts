/**
 * Encryption at rest for what is made through the API, because the configurations of plugins and destinations contain
 * passwords and keys. It uses AES-256-GCM, with the operator's key or with one that only the owner of the data folder
 * can read.
 * @module
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { join } from "node:path";

export interface Seal {
  /** Encrypts the text for one `place`; it cannot be decrypted as if it belonged to another. */
  close(text: string, place: string): string;
  /** Throws an error for the operator if the text was encrypted with a different key. */
  open(sealed: string, place: string): string;
  /** Whether the text was encrypted with an older key. */
  isOld(sealed: string): boolean;
}

const FILE = "secret_key";
const FORMAT = /^v1\.([0-9a-f]{8})\.([\w-]+)\.([\w-]+)$/;

/**
 * `key` is HOGPEN_SECRET_KEY, and `oldKeys` are keys that it replaced. Without a key, one is created in the data
 * folder.
 */
export async function loadSeal(dataFolder: string, key: string | null, oldKeys: string[] = []): Promise<Seal> {
  return createSeal(key ?? await loadKey(dataFolder), oldKeys);
}

export function createSeal(key: string, oldKeys: readonly string[] = []): Seal {
  const current = keyOf(key);
  const known = new Map([...oldKeys.map(keyOf), current].map((each) => [each.id, each.bytes]));
  return {
    close(text, place) {
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", current.bytes, iv);
      cipher.setAAD(new TextEncoder().encode(place));
      const bytes = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `v1.${current.id}.${iv.toString("base64url")}.${bytes.toString("base64url")}`;
    },
    open(sealed, place) {
      const [, id = "", iv = "", text = ""] = FORMAT.exec(sealed) ?? [];
      const bytes = known.get(id);
      if (bytes === undefined) {
        throw new Error(
          `Cannot read the secrets of ${place}: they were sealed with another key; set HOGPEN_SECRET_KEY, or HOGPEN_OLD_SECRET_KEYS, to it`,
        );
      }
      const all = Buffer.from(text, "base64url");
      const decipher = createDecipheriv("aes-256-gcm", bytes, Buffer.from(iv, "base64url"));
      decipher.setAAD(new TextEncoder().encode(place));
      decipher.setAuthTag(all.subarray(-16));
      return Buffer.concat([decipher.update(all.subarray(0, -16)), decipher.final()]).toString("utf8");
    },
    isOld: (sealed) => FORMAT.exec(sealed)?.[1] !== current.id,
  };
}

async function loadKey(dataFolder: string): Promise<string> {
  const path = join(dataFolder, FILE);
  try {
    await Deno.writeTextFile(path, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const key = (await Deno.readTextFile(path)).trim();
  if (key !== "") return key;
  throw new Error(`Cannot use the key in ${path}: the file is empty. Put the key back that was in it`);
}

function keyOf(text: string): { id: string; bytes: Uint8Array } {
  const bytes = createHash("sha256").update(`hogpen ${text}`).digest();
  return { bytes, id: createHash("sha256").update(bytes).digest("hex").slice(0, 8) };
}
