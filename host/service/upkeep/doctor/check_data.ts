/**
 * Checks a data folder and its databases without changing anything, also while a service is using them.
 * @module
 */

import { readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LOG_FORMAT } from "../../../log/log_database.ts";
import { type DatabaseFormat, pragma } from "../../../sqlite/open_database.ts";
import { findWalDamage } from "../../../sqlite/rescue/wal.ts";
import { STORE_FORMAT } from "../../../store/sqlite/schema.ts";
import { exists } from "../../../exists.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

/** A warning is given below this much free space. */
const FREE_BYTES = 1e9;
/** How many inconsistencies are listed for each database. */
const MOST_NAMED = 3;

export async function checkData(folder: string): Promise<Finding[]> {
  if (!await exists(folder)) return [note(`data folder ${folder}: not there yet; the first start makes it`)];
  const aside = (await readdir(folder)).filter((name) => name.startsWith("damaged-")).sort();
  return [
    await checkFree(folder),
    await checkDatabase(join(folder, "events.db"), LOG_FORMAT, countEvents),
    await checkDatabase(join(folder, "store.db"), STORE_FORMAT, () => ""),
    ...aside.map((name) =>
      note(`${join(folder, name)}: files that were found damaged; delete them when nobody needs them`)
    ),
  ];
}

async function checkFree(folder: string): Promise<Finding> {
  const probe = join(folder, `.doctor-${crypto.randomUUID()}`);
  try {
    await Deno.writeTextFile(probe, "", { createNew: true });
    await Deno.remove(probe);
  } catch (error) {
    return wrong(`data folder ${folder}: cannot be written to: ${(error as Error).message}`);
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const words = `data folder ${folder}: can be written to, ${(free / 1e9).toFixed(1)} GB free`;
  return free < FREE_BYTES ? wrong(`${words}; less than 1 GB is little`) : ok(words);
}

async function checkDatabase(
  path: string,
  format: DatabaseFormat,
  describe: (db: DatabaseSync) => string,
): Promise<Finding> {
  if (!await exists(path)) return note(`${format.what} ${path}: not there`);
  const { size } = await Deno.stat(path);
  const start = "the next start keeps what can be read, and sets this file aside";
  if (size === 0) return wrong(`${format.what} ${path}: the file is empty; ${start}`);
  try {
    using db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    const version = pragma(db, "user_version");
    if (pragma(db, "application_id") !== format.applicationId) {
      return wrong(`${format.what} ${path}: another program's file`);
    }
    if (version > format.migrations.length) {
      return wrong(`${format.what} ${path}: schema version ${version}, expected at most ${format.migrations.length}`);
    }
    const found = db.prepare(`PRAGMA integrity_check(${MOST_NAMED})`).all()
      // A line above each inconsistency names the database.
      .map((row) => String(Object.values(row)[0]).split("\n").at(-1));
    // A service may be writing at this moment. Only damage that is still there the second time is real.
    const damage = (findWalDamage(path) && findWalDamage(path)) ?? format.check?.(db) ?? null;
    if (damage !== null) return wrong(`${format.what} ${path}: ${damage}; ${start}`);
    if (found.length === 1 && found[0] === "ok") {
      return ok(`${format.what} ${path}: whole, ${(size / 1024 ** 2).toFixed(1)} MB${describe(db)}`);
    }
    return wrong(`${format.what} ${path}: ${found.join("; ")}; ${start}`);
  } catch (error) {
    return wrong(`${format.what} ${path}: ${(error as Error).message}; ${start}`);
  }
}

function countEvents(db: DatabaseSync): string {
  const row = db.prepare("SELECT coalesce(sum(last - first + 1), 0) AS n FROM blocks").get();
  return `, ${Number(row?.n)} records`;
}
