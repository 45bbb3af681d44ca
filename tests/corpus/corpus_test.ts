/**
 * Proves that the corpus runner passes real plugins in the real sandbox and names each difference from what a case
 * expects.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type CorpusResult, runCorpus } from "./run.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";
import { difference } from "./difference.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/corpus/", import.meta.url));
const NPM = fileURLToPath(new URL("../../node_modules/@posthog/", import.meta.url));

async function run(plugins: string, cases: string): Promise<CorpusResult & { lines: string[] }> {
  const lines: string[] = [];
  return { ...await runCorpus({ plugins, cases, print: (line) => lines.push(line) }), lines };
}

Deno.test("runCorpus() passes plugins of our own that are written to the habits of real ones", async () => {
  const { passed, lines } = await run(`${FIXTURES}plugins`, `${FIXTURES}cases.json`);
  assert.deepEqual(lines, [`${passed} passed, 0 failed, 0 skipped`]);
  assert.ok(passed > 10);
});

Deno.test("runCorpus() passes the two plugins that npm carries", async () => {
  const { lines } = await run(NPM, `${FIXTURES}npm_cases.json`);
  assert.deepEqual(lines, ["7 passed, 0 failed, 0 skipped"]);
});

Deno.test("runCorpus() says what is different in a case that fails, and skips plugins that are not there", async () => {
  await using folder = await temporaryFolder();
  await Deno.mkdir(folder.file("p"));
  const code = `exports.setupPlugin = (meta) => { meta.global.x = 1 }
    exports.processEvent = async (event, { cache, storage }) => {
      await fetch("https://example.com/", { method: "POST", headers: { "X-A": "1" }, body: "b" }).catch(() => {})
      await cache.set("k", 1); await storage.set("k", 1); await posthog.capture("c", {})
      event.properties = { a: 1 }; return event.event === "drop" ? null : event }`;
  await Deno.writeTextFile(folder.file("p/index.js"), code);
  const event = { event: "e", distinct_id: "u", team_id: 1, properties: { b: 2 } };
  const nothing = { set: {}, unset: [] };
  const fetch = [{ prefix: "https://example.com" }];
  const cases = [
    { id: "gone", plugin: "gone", events: [], expect: [] },
    {
      id: "wrong",
      plugin: "p",
      fetch,
      events: [event, { ...event, event: "drop" }, event, event],
      expect: [nothing, nothing, null, { throws: "x" }],
      expect_storage: {},
      expect_cache: {},
      expect_jobs: [{ job: "j", how: "runNow" }],
      expect_log: [["log", "said"]],
      expect_setup: { throws: "no" },
    },
  ];
  await Deno.writeTextFile(folder.file("cases.json"), JSON.stringify(cases));
  const { failed, skipped, lines } = await run(folder.path, folder.file("cases.json"));
  assert.equal(failed, 1);
  assert.equal(skipped, 1);
  assert.equal(lines.at(-1), "0 passed, 1 failed, 1 skipped");
  const line = lines.find((line) => line.startsWith("FAIL wrong")) ?? "";
  const expected = [
    'setup was expected to throw "no", nothing was thrown',
    'step 0: changed {"set":{"/properties/a":1},"unset":["/properties/b"]}, expected {"set":{},"unset":[]}',
    "step 1: the event was dropped",
    "step 2: the event was expected to be dropped",
    'step 3: it was expected to throw "x", nothing was thrown',
    "fetch 3: POST https://example.com/ was fetched, expected nothing",
    'captured: [{"event":"c"',
    'jobs: [], expected [{"job":"j"',
    'storage: {"k":1}, expected {}',
    'cache: {"k":{"value":1}}, expected {}',
    'log: "log said" was not among []',
  ];
  for (const part of expected) assert.ok(line.includes(part), `${part} in ${line}`);
});

Deno.test("difference() is exact, by JSON pointer", () => {
  assert.deepEqual(
    difference({ a: 1, b: { c: [1], d: null }, "x/y~": 1 }, { a: 1, b: { c: [1, 2] }, "x/y~": 2, n: {} }),
    {
      set: { "/b/c": [1, 2], "/x~1y~0": 2, "/n": {} },
      unset: ["/b/d"],
    },
  );
  assert.deepEqual(difference({ a: { b: 1 } }, { a: [] }), { set: { "/a": [] }, unset: [] });
});
