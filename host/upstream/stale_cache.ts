/**
 * Keeps an upstream's last good remote configuration and scripts on disk, to serve them while it is away so that pages
 * keep working. Answers that are meant for one person are never kept.
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";

export interface StaleCache {
  /** Stores a good answer. If it cannot be written it is not kept, and is served all the same. */
  keep(key: string, answer: Kept): Promise<void>;
  find(key: string): Promise<Kept | null>;
}

export interface Kept {
  headers: [string, string][];
  body: Uint8Array<ArrayBuffer>;
}

const headersSchema = z.array(z.tuple([z.string(), z.string()]));

/** Larger answers are not kept. */
export const MOST_KEPT_BYTES = 5 * 1024 * 1024;
/** How many files and bytes are kept. The oldest are removed first. */
const MOST_FILES = 500;
const MOST_BYTES = 200 * 1024 * 1024;

/** @param folder is created when the first answer is stored. */
export function createStaleCache(folder: string): StaleCache {
  const pathOf = (key: string) => join(folder, createHash("sha256").update(key).digest("hex"));
  let writes = 0;

  async function dropOldest(): Promise<void> {
    const files = await Promise.all(
      Array.from(
        Deno.readDirSync(folder),
        async ({ name }) => {
          const { mtime, size } = await Deno.stat(join(folder, name));
          return { name, at: mtime?.getTime() ?? 0, size };
        },
      ),
    );
    files.sort((a, b) => b.at - a.at);
    let bytes = 0;
    for (const [index, { name, size }] of files.entries()) {
      bytes += size;
      if (index >= MOST_FILES || bytes > MOST_BYTES) await Deno.remove(join(folder, name));
    }
  }

  return {
    async keep(key, { headers, body }) {
      try {
        await Deno.mkdir(folder, { recursive: true });
        const head = new TextEncoder().encode(`${JSON.stringify(headers)}\n`);
        const part = `${pathOf(key)}.${++writes}.part`;
        const whole = new Uint8Array(head.byteLength + body.byteLength);
        whole.set(head);
        whole.set(body, head.byteLength);
        await Deno.writeFile(part, whole);
        await Deno.rename(part, pathOf(key));
        if (writes % 20 === 0) await dropOldest();
      } catch {
        // A full disk must not stop requests from being forwarded.
      }
    },
    async find(key) {
      try {
        const bytes = await Deno.readFile(pathOf(key));
        const end = bytes.indexOf(0x0a);
        const headers = headersSchema.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))));
        return { headers, body: bytes.subarray(end + 1) };
      } catch {
        return null;
      }
    },
  };
}
