/**
 * Proves that a damaged write-ahead log is told from one that ends: behind the end lie frames of earlier rounds and of
 * transactions that were given up. A damaged one that is signed anew has every row but those that the damage hit.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { findWalDamage, resignWal } from "../../../host/sqlite/rescue/wal.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const PAGE = 4096;

/** Copies of the files as a kill leaves them, after what `write` did. */
async function filesAfter(folder: { file(name: string): string }, write: (db: DatabaseSync) => void): Promise<string> {
  using db = new DatabaseSync(folder.file("live.db"));
  db.exec(`PRAGMA page_size = ${PAGE}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 5;
    CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)`);
  write(db);
  const path = folder.file("killed.db");
  await Deno.copyFile(folder.file("live.db"), path);
  await Deno.copyFile(folder.file("live.db-wal"), `${path}-wal`);
  return path;
}

function insert(db: DatabaseSync, count: number, letter = "x"): void {
  const statement = db.prepare("INSERT INTO rows (text) VALUES (?)");
  for (let row = 0; row < count; row++) statement.run(letter.repeat(3000));
}

Deno.test("a write-ahead log is whole after commits, an earlier round, and a transaction that was given up half-way", async () => {
  await using folder = await temporaryFolder();
  const path = await filesAfter(folder, (db) => {
    insert(db, 50);
    assert.equal(findWalDamage(folder.file("live.db")), null);
    // The next commit begins a new round over the frames of this one.
    db.exec("PRAGMA wal_checkpoint(RESTART)");
    insert(db, 3);
    // More than the cache holds: frames are written before it is given up.
    db.exec("BEGIN");
    insert(db, 30, "y");
    db.exec("ROLLBACK");
    insert(db, 1);
  });
  assert.equal(findWalDamage(path), null);
  using killed = new DatabaseSync(path);
  assert.equal(killed.prepare("SELECT count(*) AS n FROM rows").get()?.n, 54);
  assert.equal(findWalDamage(folder.file("none.db")), null);
});

Deno.test("a flipped bit in any frame is found, and the log that is signed anew has all rows", async () => {
  await using folder = await temporaryFolder();
  const path = await filesAfter(folder, (db) => insert(db, 20));
  const whole = await Deno.readFile(`${path}-wal`);
  const frames = (whole.length - 32) / (24 + PAGE);
  for (let frame = 0; frame < frames; frame++) {
    const damaged = whole.slice();
    // In its checksum: nothing of the rows is hit.
    damaged[32 + frame * (24 + PAGE) + 17]! ^= 1;
    await Deno.writeFile(`${path}-wal`, damaged);
    assert.match(findWalDamage(path) ?? "", new RegExp(`frame ${frame + 1} of ${frames} does not have its checksum`));
  }
  const signed = resignWal(path, PAGE, 1);
  assert(signed);
  await Deno.writeFile(`${path}-wal`, signed);
  assert.equal(findWalDamage(path), null);
  using killed = new DatabaseSync(path);
  assert.equal(killed.prepare("SELECT count(*) AS n FROM rows WHERE length(text) = 3000").get()?.n, 20);
});
