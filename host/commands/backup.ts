/**
 * `backup` and `restore`: copies of the data folder, which can be made while the service is running.
 * @module
 */

import { backUp } from "../service/upkeep/backup/back_up.ts";
import type { BackupList } from "../service/upkeep/backup/backup_contents.ts";
import { restore } from "../service/upkeep/backup/restore.ts";
import type { GivenSettings } from "./program/settings_options.ts";
import { terminal } from "./program/terminal.ts";

/** Rejects with a BackEndError. */
export async function backup(to: string, { settings }: GivenSettings): Promise<void> {
  const list = await backUp(settings.data, to, new Date());
  terminal.print(`Backed up ${settings.data} to ${to}: ${describe(list)}`);
  const elsewhere = [
    ...settings.databaseUrl === null ? [] : ["what DATABASE_URL names (pg_dump)"],
    ...settings.kafka === null ? [] : ["the events in Kafka"],
  ];
  if (elsewhere.length > 0) terminal.note(`Not in it: ${elsewhere.join(" and ")}`);
}

/** Rejects with a BackEndError. */
export async function restoreBackup(from: string, { settings }: GivenSettings): Promise<void> {
  const list = await restore(from, settings.data);
  terminal.print(`Restored ${from} of ${list.taken_at} into ${settings.data}: ${describe(list)}`);
}

function describe({ files }: BackupList): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `${files.length} files, ${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
