/**
 * What both caches must do, run against each by its own test file.
 * @module
 */

import assert from "node:assert/strict";
import type { Cache } from "../../../host/cache/cache.ts";

export interface CacheUnderTest extends AsyncDisposable {
  cache: Cache;
  /** Lets that much time pass. */
  pass(ms: number): Promise<void>;
}

const NOT_AN_INTEGER = { name: "ReplyError", message: "ERR value is not an integer or out of range" };
const WRONG_TYPE = {
  name: "ReplyError",
  message: "WRONGTYPE Operation against a key holding the wrong kind of value",
};

/** Registers the tests; `open` gives an empty cache. */
export function testCache(name: string, open: () => Promise<CacheUnderTest>): void {
  function test(title: string, body: (cache: Cache, pass: CacheUnderTest["pass"]) => Promise<void>): void {
    Deno.test(`${name}: ${title}`, async () => {
      await using under = await open();
      await body(under.cache, under.pass);
    });
  }

  test("get() answers what set() kept, null when missing", async (cache) => {
    assert.equal(await cache.get("k"), null);
    await cache.set("k", '{"a":"é\\u0000"}');
    assert.equal(await cache.get("k"), '{"a":"é\\u0000"}');
    await cache.set("k", "");
    assert.equal(await cache.get("k"), "");
    await cache.set("nul", "a\0b");
    assert.equal(await cache.get("nul"), "a\0b");
  });

  test("VM-21 expire() ends a key after its seconds, set() starts anew", async (cache, pass) => {
    await cache.set("counter", "1");
    assert.equal(await cache.expire("counter", 1), true);
    assert.equal(await cache.incr("counter"), 2);
    await pass(1200);
    assert.equal(await cache.incr("counter"), 1);
    assert.equal(await cache.expire("missing", 1), false);
  });

  test("VM-22 set() with a TTL ends after it", async (cache, pass) => {
    await cache.set("counter", "0", 1);
    assert.equal(await cache.incr("counter"), 1);
    assert.equal(await cache.incr("counter"), 2);
    await pass(1200);
    assert.equal(await cache.get("counter"), null);
    assert.equal(await cache.incr("counter"), 1);
  });

  test("set() without a TTL clears an earlier one, incr() keeps it", async (cache, pass) => {
    await cache.set("plain", "1", 0.5);
    await cache.set("plain", "2");
    await cache.set("counted", "1", 0.5);
    await cache.incr("counted");
    await pass(600);
    assert.equal(await cache.get("plain"), "2");
    assert.equal(await cache.get("counted"), null);
  });

  test("VM-23 incr() works on what was set as an integer", async (cache) => {
    await cache.set("k", "0");
    assert.deepEqual([await cache.incr("k"), await cache.incr("k"), await cache.incr("k")], [1, 2, 3]);
    assert.equal(await cache.get("k"), "3");
    await cache.set("k", "-1");
    assert.equal(await cache.incr("k"), 0);
  });

  test("incr() refuses what is no 64-bit integer, and overflow", async (cache) => {
    for (
      const text of [
        "1.5",
        '"1"',
        "",
        " 1",
        "01",
        "+1",
        "-0",
        "1e3",
        "null",
        "9223372036854775808",
        "-9223372036854775809",
      ]
    ) {
      await cache.set("k", text);
      await assert.rejects(cache.incr("k"), NOT_AN_INTEGER, text);
      assert.equal(await cache.get("k"), text);
    }
    await cache.set("k", "9223372036854775807");
    await assert.rejects(cache.incr("k"), { name: "ReplyError", message: "ERR increment or decrement would overflow" });
    await cache.set("k", "-9223372036854775808");
    await cache.incr("k");
    assert.equal(await cache.get("k"), "-9223372036854775807");
  });

  test("VM-24 lpush(), lrange(), llen(), and expire() with 0", async (cache) => {
    assert.equal(await cache.lpush("k", ["one"]), 1);
    assert.equal(await cache.lpush("k", ["two", "three"]), 3);
    assert.deepEqual(await cache.lrange("k", 0, 3), ["three", "two", "one"]);
    assert.equal(await cache.llen("k"), 3);
    assert.equal(await cache.expire("k", 0), true);
    assert.deepEqual(await cache.lrange("k", 0, 3), []);
    assert.equal(await cache.llen("k"), 0);
  });

  test("VM-25 lpop() and lrem()", async (cache) => {
    await cache.lpush("k", ["1", "2", "3"]);
    assert.deepEqual(await cache.lpop("k", 1), ["3"]);
    assert.deepEqual(await cache.lrange("k", 0, 1), ["2", "1"]);
    assert.equal(await cache.lrem("k", 1, "2"), 1);
    assert.deepEqual(await cache.lrange("k", 0, 2), ["1"]);
    assert.deepEqual(await cache.lpop("k", 5), ["1"]);
    assert.equal(await cache.lpop("k", 5), null);
  });

  test("lrem() counts from the head, from the end, or takes all", async (cache) => {
    await cache.lpush("k", ["a", "b", "a", "c", "a"]);
    assert.equal(await cache.lrem("k", 1, "a"), 1);
    assert.deepEqual(await cache.lrange("k", 0, -1), ["c", "a", "b", "a"]);
    assert.equal(await cache.lrem("k", -1, "a"), 1);
    assert.deepEqual(await cache.lrange("k", 0, -1), ["c", "a", "b"]);
    assert.equal(await cache.lrem("k", 0, "x"), 0);
    assert.equal(await cache.lrem("k", 0, "a"), 1);
    assert.equal(await cache.lrem("missing", 0, "a"), 0);
  });

  test("lrange() counts negative indexes from the end", async (cache) => {
    await cache.lpush("k", ["e", "d", "c", "b", "a"]);
    assert.deepEqual(await cache.lrange("k", -2, -1), ["d", "e"]);
    assert.deepEqual(await cache.lrange("k", -100, 100), ["a", "b", "c", "d", "e"]);
    assert.deepEqual(await cache.lrange("k", 3, 1), []);
    assert.deepEqual(await cache.lrange("k", 0, -100), []);
    assert.deepEqual(await cache.lrange("missing", 0, -1), []);
  });

  test("commands refuse keys of the other kind and numbers that are no integers", async (cache) => {
    await cache.set("text", "x");
    await cache.lpush("list", ["x"]);
    await assert.rejects(cache.get("list"), WRONG_TYPE);
    await assert.rejects(cache.incr("list"), WRONG_TYPE);
    await assert.rejects(cache.lpush("text", ["x"]), WRONG_TYPE);
    await assert.rejects(cache.lrange("text", 0, 1), WRONG_TYPE);
    await assert.rejects(cache.llen("text"), WRONG_TYPE);
    await assert.rejects(cache.lrem("text", 0, "x"), WRONG_TYPE);
    await assert.rejects(cache.lpop("text", 1), WRONG_TYPE);
    await assert.rejects(cache.lrange("list", 0.5, 1), NOT_AN_INTEGER);
    await assert.rejects(cache.lrem("list", NaN, "x"), NOT_AN_INTEGER);
    await assert.rejects(cache.expire("list", NaN), NOT_AN_INTEGER);
    await assert.rejects(cache.lpop("list", -1), { message: "ERR value is out of range, must be positive" });
    await assert.rejects(cache.lpush("list", []), { message: "ERR wrong number of arguments for 'lpush' command" });
    await assert.rejects(cache.set("text", "x", -1), { message: "ERR invalid expire time in 'set' command" });
    await cache.set("list", "now a text");
    assert.equal(await cache.get("list"), "now a text");
  });

  test("ping() answers", async (cache) => assert.equal(await cache.ping(), true));
}
