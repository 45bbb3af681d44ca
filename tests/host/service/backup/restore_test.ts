/**
 * Proves that a restore is whole or begun again, and refuses what it must not overwrite and what is not whole; and that
 * a data folder that a newer Hogpen wrote is refused in words.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { BackEndError } from "../../../../host/back_end_error.ts";
import { openSqliteEventLog } from "../../../../host/log/sqlite_event_log.ts";
import { backUp } from "../../../../host/service/upkeep/backup/back_up.ts";
import { restore } from "../../../../host/service/upkeep/backup/restore.ts";
import { openDataFolder } from "../../../../host/service/upkeep/data_folder.ts";
import { openSqliteStore } from "../../../../host/store/sqlite_store.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../kit/temporary_folder.ts";

const NOW = new Date("2026-01-01T00:00:00Z");

/** A folder with a data folder that has something in it, and a backup of it. */
async function backedUp(): Promise<TemporaryFolder & { data: string; backup: string }> {
  const folder = await temporaryFolder();
  const [data, backup] = [folder.file("data"), folder.file("backup")];
  await openDataFolder(data);
  {
    await using log = await openSqliteEventLog({ path: join(data, "events.db") });
    await log.append("inbox", 1, [{ key: "me", event: new TextEncoder().encode("{}") }]);
    await using store = await openSqliteStore({ path: join(data, "store.db") });
    await store.settings.set("color", "red");
  }
  await Deno.writeTextFile(join(data, "admin_token"), "hog_1\n");
  await Deno.mkdir(join(data, "uploads"));
  await Deno.writeTextFile(join(data, "uploads", "plugin.zip"), "zip");
  await Deno.mkdir(join(data, "compiled"));
  await Deno.writeTextFile(join(data, "compiled", "cached"), "");
  await backUp(data, backup, NOW);
  return { ...folder, data, backup };
}

async function checkRestored(data: string): Promise<void> {
  await openDataFolder(data);
  await using log = await openSqliteEventLog({ path: join(data, "events.db") });
  assert.equal((await log.read("inbox", 1, "", { maxEvents: 10, maxBytes: 1000 })).length, 1);
  await using store = await openSqliteStore({ path: join(data, "store.db") });
  assert.equal(await store.settings.get("color"), "red");
  assert.equal(await Deno.readTextFile(join(data, "admin_token")), "hog_1\n");
  assert.equal(await Deno.readTextFile(join(data, "uploads", "plugin.zip")), "zip");
}

Deno.test("a backup has all but caches, and a restore brings it back", async () => {
  await using folder = await backedUp();
  await assert.rejects(Deno.stat(join(folder.backup, "compiled")), Deno.errors.NotFound);
  await restore(folder.backup, folder.file("other"));
  await checkRestored(folder.file("other"));
});

Deno.test("a restore that was interrupted keeps the service from starting, and is begun again", async () => {
  await using folder = await backedUp();
  const other = folder.file("other");
  // As a kill between two files leaves it.
  await Deno.mkdir(join(other, ".restoring", "files"), { recursive: true });
  await Deno.copyFile(join(folder.backup, "store.db"), join(other, "store.db"));
  await Deno.writeTextFile(join(other, ".restoring", "files", "events.db"), "half");
  await assert.rejects(openDataFolder(other), /a restore into it was not finished/);
  await restore(folder.backup, other);
  await checkRestored(other);
});

Deno.test("a restore refuses a folder that is not empty, and a backup that is not whole, and touches nothing", async () => {
  await using folder = await backedUp();
  await assert.rejects(
    restore(folder.backup, folder.data),
    (error: Error) => error instanceof BackEndError && /expected an empty folder/.test(error.message),
  );
  await Deno.writeTextFile(join(folder.backup, "admin_token"), "hog_2\n");
  await assert.rejects(restore(folder.backup, folder.file("other")), /admin_token has 6 bytes, or others/);
  await Deno.remove(join(folder.backup, "admin_token"));
  await assert.rejects(restore(folder.backup, folder.file("other")), /admin_token is missing/);
  await assert.rejects(restore(folder.data, folder.file("other")), /found no backup\.json/);
  await assert.rejects(Deno.stat(folder.file("other")), Deno.errors.NotFound);
});

Deno.test("a backup overwrites nothing, and says when there is nothing to copy", async () => {
  await using folder = await backedUp();
  await assert.rejects(backUp(folder.data, folder.backup, NOW), /something is there already/);
  await assert.rejects(backUp(folder.file("none"), folder.file("b"), NOW), /found no store\.db and no events\.db/);
});

Deno.test("a data folder of a newer Hogpen is refused in words, one of the first release is opened", async () => {
  await using folder = await backedUp();
  // The first release wrote no such file.
  await Deno.remove(join(folder.data, "format"));
  await checkRestored(folder.data);
  await Deno.writeTextFile(join(folder.data, "format"), "2 9.0.0\n");
  await assert.rejects(
    openDataFolder(folder.data),
    (error: Error) =>
      error instanceof BackEndError &&
      /found format 2 \(written by Hogpen 9\.0\.0\), expected at most 1/.test(error.message),
  );
});
