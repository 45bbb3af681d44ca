/**
 * Copies a data folder, whether or not the service is running. The copy is either complete or does not exist.
 * @module
 */

import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { BackEndError } from "../../../back_end_error.ts";
import { VERSION } from "../../../version.ts";
import { exists } from "../../../exists.ts";
import { type BackupList, DATABASES, describeFile, filesToCopy, LIST } from "./backup_contents.ts";
import { copyDatabases } from "./copy_databases.ts";

/** Rejects with a BackEndError if there is nothing to copy, or if something exists at `to`. */
export async function backUp(dataFolder: string, to: string, now: Date): Promise<BackupList> {
  const target = resolve(to);
  if (await exists(target)) {
    throw new BackEndError(`Cannot back up to ${to}: something is there already. Name a folder that is not there`);
  }
  const databases: string[] = [];
  for (const name of DATABASES) if (await exists(join(dataFolder, name))) databases.push(name);
  if (databases.length === 0) {
    throw new BackEndError(`Cannot back up ${dataFolder}: found no ${DATABASES.join(" and no ")}. Name it with --data`);
  }

  const unfinished = join(dirname(target), `.${crypto.randomUUID()}.unfinished`);
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  try {
    await copyDatabases(databases.map((name) => ({ from: join(dataFolder, name), to: join(unfinished, name) })));
    const others = await filesToCopy(dataFolder);
    for (const path of others) {
      await mkdir(dirname(join(unfinished, path)), { recursive: true });
      await copyFile(join(dataFolder, path), join(unfinished, path));
    }
    const files = [];
    for (const path of [...databases, ...others]) files.push(await describeFile(unfinished, path));
    const list: BackupList = { format: 1, version: VERSION, taken_at: now.toISOString(), files };
    await Deno.writeTextFile(join(unfinished, LIST), `${JSON.stringify(list, null, 2)}\n`);
    await rename(unfinished, target);
    return list;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}
