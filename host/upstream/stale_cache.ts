/**
 * The last good remote configuration and scripts of an upstream, on disk: served when it is away, so that pages go on working. Never what
 * was answered to one person.
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";

export interface StaleCache {
  /** Keeps a good answer. What cannot be written is not kept: the answer is served all the same. */
  keep(key: string, answer: Kept): Promise<void>;
  find(key: string): Promise<Kept | null>;
}

export interface Kept {
  headers: [string, string][];
  body: Uint8Array;
}

/** An answer that is larger is not kept. */
export const MOST_KEPT_BYTES = 5 * 1024 * 1024;
/** Files kept; the oldest go first. */
const MOST_FILES = 500;

/** @param folder is made when the first answer is kept. */
export function createStaleCache(folder: string): StaleCache {
  const pathOf = (key: string) => join(folder, createHash("sha256").update(key).digest("hex"));
  let writes = 0;

  async function dropOldest(): Promise<void> {
    const files = await Promise.all(
      Array.from(
        Deno.readDirSync(folder),
        async ({ name }) => ({ name, at: (await Deno.stat(join(folder, name))).mtime }),
      ),
    );
    files.sort((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
    for (const { name } of files.slice(MOST_FILES)) await Deno.remove(join(folder, name));
  }

  return {
    async keep(key, { headers, body }) {
      try {
        await Deno.mkdir(folder, { recursive: true });
        const head = new TextEncoder().encode(`${JSON.stringify(headers)}\n`);
        const part = `${pathOf(key)}.part`;
        const whole = new Uint8Array(head.byteLength + body.byteLength);
        whole.set(head);
        whole.set(body, head.byteLength);
        await Deno.writeFile(part, whole);
        await Deno.rename(part, pathOf(key));
        if (++writes % 50 === 0) await dropOldest();
      } catch {
        // A full disk must not stop what passes.
      }
    },
    async find(key) {
      try {
        const bytes = await Deno.readFile(pathOf(key));
        const end = bytes.indexOf(0x0a);
        const headers = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as [string, string][];
        return { headers, body: bytes.subarray(end + 1) };
      } catch {
        return null;
      }
    },
  };
}
