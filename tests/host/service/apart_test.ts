/** Proves that plugins which misbehaved stay apart for a day, over restarts and on every host of one store. */
import assert from "node:assert/strict";
import { openApart } from "../../../host/service/apart.ts";
import { openSqliteStore } from "../../../host/store/sqlite_store.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const DAY_MS = 24 * 60 * 60_000;

async function openStore() {
  const folder = await temporaryFolder();
  const store = await openSqliteStore({ path: folder.file("store.db") });
  const clock = { now: 1_000 };
  const moves: string[] = [];
  const open = (name: string) =>
    openApart({
      store: store.settings,
      now: () => clock.now,
      onMoved: () => moves.push(name),
      onError: (error) => assert.fail(String(error)),
    });
  return {
    clock,
    moves,
    open,
    settings: store.settings,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

Deno.test("openApart() keeps a plugin apart for a day, or until it is released", async () => {
  await using opened = await openStore();
  const { clock, moves } = opened;
  const apart = await opened.open("one");
  apart.move([1, 2], "it hung");
  assert.deepEqual([moves, apart.reasonOf(1), apart.reasonOf(3)], [["one"], "it hung", null]);
  assert.deepEqual([await apart.release(1), await apart.release(1), apart.reasonOf(1)], [true, false, null]);
  clock.now += DAY_MS - 1;
  assert.deepEqual([await apart.look(), apart.reasonOf(2)], [false, "it hung"]);
  clock.now += 1;
  assert.deepEqual([await apart.look(), apart.reasonOf(2), await apart.look()], [true, null, false]);
  assert.deepEqual(await opened.settings.list("apart:"), {}, "the store forgets it as well");
});

Deno.test("openApart() finds those of an earlier run, but for those whose day is over", async () => {
  await using opened = await openStore();
  const before = await opened.open("before");
  before.move([1], "it hung");
  await before.flush();
  opened.clock.now += DAY_MS / 2;
  before.move([2], "it used more than 256 MB of memory");
  await before.flush();
  opened.clock.now += DAY_MS / 2;
  const after = await opened.open("after");
  assert.deepEqual([1, 2].map(after.reasonOf), [null, "it used more than 256 MB of memory"]);
});

Deno.test("openApart() tries again what could not be stored, and tells of it then", async () => {
  await using opened = await openStore();
  let isAway = false;
  const settings = opened.settings;
  const store = {
    ...settings,
    set: (key: string, value: string) => isAway ? Promise.reject(new Error("away")) : settings.set(key, value),
    del: (key: string) => isAway ? Promise.reject(new Error("away")) : settings.del(key),
  };
  const errors: string[] = [];
  const apart = await openApart({
    store,
    now: () => opened.clock.now,
    onMoved: () => {},
    onError: (error) => errors.push(String(error)),
  });
  isAway = true;
  apart.move([1], "it hung");
  await apart.flush();
  assert.deepEqual([apart.reasonOf(1), errors.length > 0], ["it hung", true]);
  await assert.rejects(apart.look(), /away/);
  isAway = false;
  assert.equal(await apart.look(), false, "nothing that the caller does not know");
  assert.deepEqual(Object.keys(await settings.list("apart:")), ["apart:1"]);
  isAway = true;
  await assert.rejects(apart.release(1), /away/);
  isAway = false;
  assert.deepEqual([await apart.look(), apart.reasonOf(1)], [true, null]);
  assert.deepEqual(await settings.list("apart:"), {});
});

Deno.test("openApart() follows what another host on the same store moves and releases", async () => {
  await using opened = await openStore();
  const [one, other] = [await opened.open("one"), await opened.open("other")];
  one.move([1], "it hung");
  await one.flush();
  assert.deepEqual([await other.look(), other.reasonOf(1), await other.look()], [true, "it hung", false]);
  await other.release(1);
  assert.deepEqual([await one.look(), one.reasonOf(1)], [true, null]);
  assert.deepEqual(opened.moves, ["one"], "who only hears of it applies it by what look() says");
});
