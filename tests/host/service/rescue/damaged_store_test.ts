/**
 * Proves what becomes of a store that was damaged: the host starts with what can be read, says where something is
 * missing, and keeps the damaged file; and that a rescue which was killed at its last step is finished.
 */

import assert from "node:assert/strict";
import { openStoreOrRescue } from "../../../../host/service/upkeep/rescue/open_or_rescue.ts";
import { openSqliteStore } from "../../../../host/store/sqlite_store.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

const PAGE = 4096;
const VALUES = 2000;

async function fill(path: string): Promise<void> {
  await using store = await openSqliteStore({ path, synchronous: "off" });
  await Promise.all(
    Array.from({ length: VALUES }, (_, key) => store.storage.set(7, `key ${key}`, JSON.stringify(key))),
  );
  await store.settings.set("color", "red");
}

const open = (path: string) => () => openSqliteStore({ path, synchronous: "off" });

/** How many values are there; each is checked. */
async function countValues(store: Awaited<ReturnType<ReturnType<typeof open>>>): Promise<number> {
  let count = 0;
  for (let key = 0; key < VALUES; key++) {
    const value = await store.storage.get(7, `key ${key}`);
    if (value === null) continue;
    assert.equal(value, JSON.stringify(key));
    count++;
  }
  return count;
}

const size = (path: string) => Deno.statSync(path).size;

const DAMAGES: { name: string; damage(path: string): void; least: number }[] = [
  {
    name: "a first page of zeros",
    damage(path) {
      using file = Deno.openSync(path, { write: true });
      file.writeSync(new Uint8Array(PAGE));
    },
    least: VALUES,
  },
  {
    name: "a page of zeros in the middle",
    damage(path) {
      using file = Deno.openSync(path, { write: true });
      file.seekSync((size(path) / PAGE - 10) * PAGE, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(PAGE));
    },
    least: VALUES * 0.9,
  },
  { name: "no bytes", damage: (path) => Deno.truncateSync(path, 0), least: 0 },
];

for (const { name, damage, least } of DAMAGES) {
  Deno.test(`a store with ${name} is opened with what can be read`, async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("store.db");
    await fill(path);
    damage(path);
    const damaged = await Deno.readFile(path);
    const said: string[] = [];
    await using store = await openStoreOrRescue(path, { error: (line) => said.push(line) }, open(path));
    const count = await countValues(store);
    assert(count >= least, `${count} values of ${VALUES}: ${said}`);
    assert.equal(said.length, 1);
    if (count < VALUES) assert.match(said[0] ?? "", /something is missing in .*plugin_storage/);
    const [, aside = ""] = /The damaged files are in (.*)$/.exec(said[0] ?? "") ?? [];
    assert.deepEqual(await Deno.readFile(`${aside}/store.db`), damaged);
    await store.settings.set("color", "blue");
    assert.equal(await store.settings.get("color"), "blue");
  });
}

Deno.test("a rescue that was killed at its last step is finished at the next start", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("store.db");
  await fill(path);
  await Deno.rename(path, `${path}.rescued`);
  await using store = await openStoreOrRescue(path, { error: assert.fail }, open(path));
  assert.equal(await store.settings.get("color"), "red");
});
