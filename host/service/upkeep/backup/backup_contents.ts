/**
 * What a backup consists of: the databases, the small files beside them, and a list of them all with their checksums.
 * @module
 */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** Both are copied as they were at one and the same time. */
export const DATABASES = ["store.db", "events.db"] as const;

/** What the service makes again by itself, and what belongs to a process that runs. */
const LEFT_OUT = /^(?:compiled|downloads|upstream|damaged-.*|\..*|.*\.lock|(?:store|events)\.db(?:-wal|-shm)?)$/;

export const LIST = "backup.json";

const listSchema = z.object({
  format: z.literal(1),
  version: z.string(),
  taken_at: z.string(),
  files: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string() })),
});

export type BackupList = z.infer<typeof listSchema>;
export type BackupFile = BackupList["files"][number];

/** Throws when it is no list that this version knows. */
export function readList(text: string): BackupList {
  return listSchema.parse(JSON.parse(text));
}

/** The paths in a data folder that a backup copies as they are, relative to it. */
export async function filesToCopy(folder: string): Promise<string[]> {
  const paths: string[] = [];
  async function walk(under: string): Promise<void> {
    for await (const { name, isFile, isDirectory } of Deno.readDir(join(folder, under))) {
      if (under === "" && LEFT_OUT.test(name)) continue;
      const path = under === "" ? name : `${under}/${name}`;
      if (isFile) paths.push(path);
      if (isDirectory) await walk(path);
    }
  }
  await walk("");
  return paths.sort();
}

/** The file as the list has it. */
export async function describeFile(folder: string, path: string): Promise<BackupFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(join(folder, path))) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { path, bytes, sha256: hash.digest("hex") };
}
