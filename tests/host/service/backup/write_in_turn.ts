/**
 * A process of its own for tests: writes a number to one database, then to the other, then the next number, until it is
 * killed. Arguments: the two paths.
 */

import { DatabaseSync } from "node:sqlite";

const writes = Deno.args.map((path) => {
  const db = new DatabaseSync(path, { timeout: 5_000 });
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE numbers (n INTEGER PRIMARY KEY, pad BLOB)",
  );
  return db.prepare("INSERT INTO numbers VALUES (?, zeroblob(2000))");
});
for (let n = 1;; n++) {
  for (const write of writes) write.run(n);
  if (n === 1000) console.log("under way");
}
