/** Proves that the services behind `cache` work as PostHog's did on Redis, and keep plugin configs apart. */

import assert from "node:assert/strict";
import { openTestServices, OTHER } from "../../../testing/plugin_services.ts";

Deno.test("VM-19 cache.set and cache.get keep texts", async () => {
  await using services = await openTestServices();
  assert.equal(await services.call("cache.get", ["counter"]), null);
  await services.call("cache.set", ["counter", "1", null]);
  assert.equal(await services.call("cache.get", ["counter"]), "1");
});

Deno.test("VM-21 VM-22 VM-23 cache.expire, a time to live and cache.incr work as in Redis", async () => {
  await using services = await openTestServices();
  await services.call("cache.set", ["a", "0", 1]);
  assert.equal(await services.call("cache.incr", ["a"]), 1);
  assert.equal(await services.call("cache.incr", ["b"]), 1);
  assert.equal(await services.call("cache.expire", ["b", 1]), true);
  assert.equal(await services.call("cache.expire", ["missing", 1]), false);
  services.time += 1200;
  assert.equal(await services.call("cache.get", ["a"]), null);
  assert.equal(await services.call("cache.get", ["b"]), null);
});

Deno.test("VM-24 VM-25 lists: cache.lpush, lrange, llen, lrem, lpop", async () => {
  await using services = await openTestServices();
  assert.equal(await services.call("cache.lpush", ["l", ["1", "2", "3"]]), 3);
  assert.deepEqual(await services.call("cache.lpop", ["l", 1]), ["3"]);
  assert.deepEqual(await services.call("cache.lrange", ["l", 0, -1]), ["2", "1"]);
  assert.equal(await services.call("cache.lrem", ["l", 1, "2"]), 1);
  assert.equal(await services.call("cache.llen", ["l"]), 1);
  assert.equal(await services.call("cache.lpop", ["none", 1]), null);
  assert.equal(await services.call("cache.lpop", ["none", 500]), null);
  await services.call("cache.expire", ["l", 0]);
  assert.deepEqual(await services.call("cache.lrange", ["l", 0, 3]), []);
});

Deno.test("cache.lrange() gives what Redis gives for every pair of indexes, also when the answer is long", async () => {
  await using services = await openTestServices();
  const all = Array.from({ length: 250 }, (_, index) => `e${index}`);
  await services.call("cache.lpush", ["l", all]);
  const list = all.toReversed();
  for (const [start, end] of [[0, -1], [5, 180], [-120, -3], [-999, 999], [10, 3], [300, 400], [0, 99], [0, 100]]) {
    const first = Math.max(0, start! < 0 ? list.length + start! : start!);
    const last = end! < 0 ? list.length + end! : end!;
    assert.deepEqual(
      await services.call("cache.lrange", ["l", start, end]),
      list.slice(first, last + 1),
      `${start} ${end}`,
    );
  }
  assert.deepEqual(await services.call("cache.lpop", ["l", 240]), list.slice(0, 240));
  assert.equal(await services.call("cache.llen", ["l"]), 10);
});

Deno.test("cache.set() with null clears the key", async () => {
  await using services = await openTestServices();
  await services.call("cache.set", ["a", "1", null]);
  await services.call("cache.set", ["a", null, null]);
  assert.equal(await services.call("cache.get", ["a"]), null);
});

Deno.test("createCacheServices() keeps plugin configs and teams apart, whatever they call their keys", async () => {
  await using services = await openTestServices();
  const other = services.of({ pluginConfigId: 3 });
  await services.call("cache.set", ["secret", "1", null]);
  for (const key of ["secret", "9/2/secret", "../39/2/secret", "@plugin/39/2/secret"]) {
    assert.equal(await other["cache.get"]([key], OTHER), null, key);
  }
  assert.equal(await services.cache.get("@plugin/39/2/secret"), "1");
});

Deno.test("createCacheServices() refuses what no sandbox sends, and what is too large", async () => {
  await using services = await openTestServices({ cacheAnswerChars: 1000, cacheListElements: 150 });
  await assert.rejects(services.call("cache.get", []), TypeError);
  await assert.rejects(services.call("cache.get", [{ toString: 1 }]), /expected the key to be a string/);
  await assert.rejects(services.call("cache.set", ["k", 1, null]), TypeError);
  await assert.rejects(services.call("cache.get", ["k".repeat(2001)]), /at most 2000 characters/);
  await assert.rejects(services.call("cache.lpush", ["l", Array(1001).fill("")]), /at most 1000 elements/);
  await services.call("cache.lpush", ["l", Array(150).fill("x".repeat(50))]);
  await assert.rejects(services.call("cache.lpush", ["l", ["one more"]]), /may have 150 elements/);
  await assert.rejects(services.call("cache.lrange", ["l", 0, -1]), /longer than 1000 characters/);
  assert.equal((await services.call("cache.lrange", ["l", 0, 9]) as string[]).length, 10);
});
