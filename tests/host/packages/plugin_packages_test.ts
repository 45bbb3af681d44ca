/**
 * Proves that plugins wait for their packages together, each with its reason, and that one package that cannot be had
 * keeps only those waiting who import it.
 */

import assert from "node:assert/strict";
import { PackageError } from "../../../host/packages/get_packages.ts";
import { createPluginPackages } from "../../../host/packages/plugin_packages.ts";
import { FakeClock } from "../../kit/fake_clock.ts";

/** `away` cannot be had, and neither can what is asked for together with them. */
function setUp(away: string[] = []) {
  const clock = new FakeClock();
  const there = new Set<string>();
  const asked: string[][] = [];
  const notices: string[] = [];
  const troubles: string[] = [];
  const packages = createPluginPackages({
    clock,
    missing: (names) => names.filter((name) => !there.has(name)),
    async get(names, { onNotice }) {
      asked.push([...names]);
      onNotice(`Getting ${names}`);
      await Promise.resolve();
      if (names.some((name) => away.includes(name))) throw new PackageError(names.join(), "the registry is away");
      for (const name of names) there.add(name);
    },
    onNotice: (line) => notices.push(line),
    onTrouble: (line) => troubles.push(line),
  });
  const abort = new AbortController();
  const plugin = (...names: string[]) => {
    const reasons: string[] = [];
    const state = { reasons, ready: false };
    void packages.ready(names, { signal: abort.signal, onWait: (reason) => reasons.push(reason) })
      .then(() => state.ready = true);
    return state;
  };
  return { clock, there, asked, away, notices, troubles, packages, plugin, abort };
}

Deno.test("plugins that are started together are served by one installation; what is there makes nobody wait", async () => {
  const at = setUp();
  at.there.add("pg");
  const [first, second, third] = [at.plugin("pg", "ethers"), at.plugin("faker", "aws-sdk"), at.plugin("pg")];
  await at.clock.advance(1_000);
  assert.deepEqual(at.asked, [["ethers", "faker", "aws-sdk"]]);
  assert.deepEqual([first.ready, second.ready, third.ready], [true, true, true]);
  assert.deepEqual(first.reasons, ["waiting for ethers, which is being fetched"]);
  assert.deepEqual(second.reasons, ["waiting for faker, aws-sdk, which are being fetched"]);
  assert.deepEqual([third.reasons, at.notices], [[], ["Getting ethers,faker,aws-sdk"]]);
});

Deno.test("a package that cannot be had keeps those waiting who import it, with the reason, until it is there", async () => {
  const at = setUp(["aws-sdk"]);
  const [needy, other] = [at.plugin("aws-sdk"), at.plugin("pg")];
  await at.clock.advance(1_000);
  assert.deepEqual([needy.ready, other.ready], [false, false]);
  assert.equal(needy.reasons.at(-1), "waiting for aws-sdk: the registry is away. It is tried again in 5 s");
  await at.clock.advance(5_000);
  assert.deepEqual([needy.ready, other.ready], [false, true]);
  assert.equal(needy.reasons.at(-1), "waiting for aws-sdk: the registry is away. It is tried again in 10 s");
  at.away.length = 0;
  await at.clock.advance(10_000);
  assert.equal(needy.ready, true);
  // The log says it once; the rest is in the states.
  assert.deepEqual([at.notices.length, at.troubles.length], [1, 1]);
  assert.match(at.troubles[0] ?? "", /^Cannot get aws-sdk,pg: the registry is away/);
});

Deno.test("it is tried again once a minute at least, however long it takes", async () => {
  const at = setUp(["pg"]);
  const plugin = at.plugin("pg");
  await at.clock.advance(3_600_000);
  assert.ok(at.asked.length > 55 && at.asked.length < 70, `${at.asked.length} attempts`);
  at.there.add("pg");
  await at.clock.advance(60_000);
  assert.equal(plugin.ready, true);
});

Deno.test("a plugin that is stopped waits no longer", async () => {
  const at = setUp(["pg"]);
  const plugin = at.plugin("pg");
  await at.clock.advance(1_000);
  at.abort.abort();
  await at.clock.advance(0);
  assert.equal(plugin.ready, true);
  await at.packages[Symbol.asyncDispose]();
});
