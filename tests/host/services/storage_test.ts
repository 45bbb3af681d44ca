/** Proves that `storage` keeps JSON values for each plugin config, in call order and within bounds. */

import assert from "node:assert/strict";
import { openTestServices, OTHER } from "../../../testing/plugin_services.ts";

Deno.test("VM-20 storage.set, storage.get and storage.del keep JSON by plugin config", async () => {
  await using services = await openTestServices();
  const other = services.of({ pluginConfigId: 3 });
  await services.call("storage.set", ["c", "null"]);
  assert.equal(await services.call("storage.get", ["c"]), "null");
  assert.equal(await other["storage.get"](["c"], OTHER), null);
  await services.call("storage.del", ["c"]);
  assert.equal(await services.call("storage.get", ["c"]), null);
});

Deno.test("createStorageServices() refuses what is not JSON, long keys and large values", async () => {
  await using services = await openTestServices({ storageValueChars: 100 });
  await assert.rejects(services.call("storage.set", ["k", "not JSON"]), /expected the value as JSON/);
  await assert.rejects(services.call("storage.set", ["k".repeat(201), "1"]), /at most 200 characters/);
  await assert.rejects(services.call("storage.set", ["k", JSON.stringify("x".repeat(100))]), /at most 100 characters/);
  await assert.rejects(services.call("storage.set", [1, "1"]), TypeError);
});

Deno.test("cursor.init sets once, cursor.increment counts in storage", async () => {
  await using services = await openTestServices();
  await services.call("cursor.init", ["c", 5]);
  await services.call("cursor.init", ["c", 9]);
  assert.equal(await services.call("cursor.increment", ["c", 2]), 7);
  assert.equal(await services.call("storage.get", ["c"]), "7");
  assert.equal(await services.call("cursor.increment", ["fresh", 3]), 3);
  await services.call("storage.set", ["text", '"a"']);
  await assert.rejects(services.call("cursor.increment", ["text", 1]));
});

Deno.test("createStorageAllowance() stops a plugin that fills its storage, and lets it go on after it deleted", async () => {
  await using services = await openTestServices({ storageChars: 10_000 });
  const value = JSON.stringify("x".repeat(1000));
  const set = (key: string) => services.call("storage.set", [key, value]);
  // Replacing one value over and over stays within the bound.
  for (let turn = 0; turn < 50; turn++) await set("same");
  let stored = 1;
  await assert.rejects(async () => {
    for (; stored < 50; stored++) await set(`key ${stored}`);
  }, /holds its 10000 characters/);
  assert.ok(stored >= 8 && stored <= 10, `${stored}`);
  assert.ok(await services.store.storage.size(39) <= 10_000);
  await services.call("storage.del", ["same"]);
  await set("again");
});

Deno.test("calls for one key are carried out in the order in which they were made", async () => {
  for (const group of ["storage", "cache"] as const) {
    await using services = await openTestServices();
    const asked = Array.from({ length: 50 }, (_, n) => {
      services.call(`${group}.set`, group === "storage" ? ["seen", String(n)] : ["seen", String(n), null]).catch(
        () => {},
      );
      return services.call(`${group}.get`, group === "storage" ? ["seen"] : ["seen"]);
    });
    assert.deepEqual((await Promise.all(asked)).map(Number), Array.from({ length: 50 }, (_, n) => n), group);
  }
});

Deno.test("a call that is refused does not hold up or change the next one for its key", async () => {
  await using services = await openTestServices();
  const refused = services.call("storage.set", ["key", "not JSON"]);
  const set = services.call("storage.set", ["key", "1"]);
  const got = services.call("storage.get", ["key"]);
  await assert.rejects(refused, TypeError);
  await set;
  assert.equal(await got, "1");
});
