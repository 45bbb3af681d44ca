/**
 * What a backup consists of: the databases, the small files beside them, and a list of all of them with their
 * checksums.
 * @module
 */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** Both are copied as they were at the same moment. */
export const DATABASES = ["store.db", "events.db"] as const;

/** Files that the service can make again, and those that belong to a running process. */
const LEFT_OUT =
  /^(?:compiled|downloads|upstream|damaged-.*|\..*|.*\.lock|(?:store|events)\.db(?:-wal|-shm|-suspect)?)$/;

export const LIST = "backup.json";

const listSchema = z.object({
  format: z.literal(1),
  version: z.string(),
  taken_at: z.string(),
  files: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string() })),
});

export type BackupList = z.infer<typeof listSchema>;
export type BackupFile = BackupList["files"][number];

/** Throws if it is not a list that this version understands. */
export function readList(text: string): BackupList {
  return listSchema.parse(JSON.parse(text));
}

/** The paths, relative to the data folder, of the files that a backup copies unchanged. */
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

/** The file's entry in the list. */
export async function describeFile(folder: string, path: string): Promise<BackupFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(join(folder, path))) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { path, bytes, sha256: hash.digest("hex") };
}
