/**
 * Proves that databases which are written in turn are copied as they were at one moment.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { copyDatabases } from "../../../../host/service/upkeep/backup/copy_databases.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

const WRITER = fileURLToPath(new URL("./write_in_turn.ts", import.meta.url));

function lastIn(path: string): number {
  using db = new DatabaseSync(path);
  return Number(db.prepare("SELECT max(n) AS n FROM numbers").get()?.n);
}

Deno.test("copies of two databases agree, however much is written meanwhile", async () => {
  await using folder = await temporaryFolder();
  const [first, second] = [folder.file("first.db"), folder.file("second.db")];
  const writer = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", WRITER, first, second],
    stdout: "piped",
  }).spawn();
  const reader = writer.stdout.getReader();
  await reader.read();
  const agreed: number[] = [];
  // Whichever is named first: the order in which they are copied does not matter.
  for (const [round, order] of [["a", [first, second]], ["b", [second, first]], ["c", [first, second]]] as const) {
    await copyDatabases(order.map((from) => ({ from, to: `${from}.${round}` })));
    const [one, other] = [lastIn(`${first}.${round}`), lastIn(`${second}.${round}`)];
    assert(one === other || one === other + 1, `${one} in the first, ${other} in the second`);
    agreed.push(one);
  }
  const written = lastIn(first);
  writer.kill("SIGKILL");
  await writer.status;
  await reader.cancel();
  assert(agreed[0]! < agreed[1]! && agreed[1]! < agreed[2]! && agreed[2]! < written, "it was written all the while");
});
