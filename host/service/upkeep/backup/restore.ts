/**
 * Restores a backup into an empty data folder. If it is interrupted, the next attempt starts over, and no service
 * starts on the folder in between.
 * @module
 */

import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BackEndError } from "../../../back_end_error.ts";
import { exists } from "../../../exists.ts";
import { RESTORING } from "../data_folder.ts";
import { type BackupList, describeFile, LIST, readList } from "./backup_contents.ts";

/** Rejects with a BackEndError if the backup is incomplete, or if the data folder contains anything else. */
export async function restore(from: string, dataFolder: string): Promise<BackupList> {
  const list = await openBackup(from);
  const staging = join(dataFolder, RESTORING);
  if (!await exists(staging)) await checkEmpty(dataFolder);
  await rm(join(staging, "files"), { recursive: true, force: true });
  for (const { path } of list.files) {
    await mkdir(dirname(join(staging, "files", path)), { recursive: true, mode: 0o700 });
    await copyFile(join(from, path), join(staging, "files", path));
  }
  for (const { path } of list.files) {
    await mkdir(dirname(join(dataFolder, path)), { recursive: true, mode: 0o700 });
    await rename(join(staging, "files", path), join(dataFolder, path));
  }
  await rm(staging, { recursive: true });
  return list;
}

async function openBackup(from: string): Promise<BackupList> {
  let list: BackupList;
  try {
    list = readList(await Deno.readTextFile(join(from, LIST)));
  } catch (cause) {
    throw new BackEndError(
      `Cannot restore ${from}: found no ${LIST} that this version can read, expected a folder that hogpen backup made`,
      { cause },
    );
  }
  for (const file of list.files) {
    const found = await describeFile(from, file.path).catch(() => null);
    if (found?.sha256 === file.sha256) continue;
    const what = found === null ? "is missing" : `has ${found.bytes} bytes, or others, instead of its ${file.bytes}`;
    throw new BackEndError(`Cannot restore ${from}: ${file.path} ${what}. Use another backup`);
  }
  return list;
}

async function checkEmpty(dataFolder: string): Promise<void> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  for await (const { name } of Deno.readDir(dataFolder)) {
    // Every ext4 volume has this folder.
    if (name === "lost+found") continue;
    throw new BackEndError(
      `Cannot restore into ${dataFolder}: found ${name} in it, expected an empty folder. Move it away, or name another with --data`,
    );
  }
}
