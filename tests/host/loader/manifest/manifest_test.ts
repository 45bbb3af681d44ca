/** Proves that `plugin.json` is read as PostHog read it, and that every mistake in it is named. */

import assert from "node:assert/strict";
import {
  emptyManifest,
  ManifestError,
  mergeDefaults,
  parseManifest,
} from "../../../../host/loader/manifest/manifest.ts";

function parse(manifest: unknown) {
  return parseManifest(JSON.stringify(manifest), "fallback");
}

function problems(manifest: unknown): string[] {
  try {
    parse(manifest);
  } catch (error) {
    assert.ok(error instanceof ManifestError);
    return error.message.split("\n");
  }
  return [];
}

Deno.test("parseManifest() reads the array form of config in its order", () => {
  const { config } = parse({
    name: "Hello",
    config: [
      { markdown: "Only text" },
      { key: "b", name: "B", type: "string", default: "x", hint: "h", required: true, secret: true, order: 1 },
      { key: "a", type: "choice", choices: ["one", "two"] },
      { key: "c", type: "attachment" },
      { key: "d", type: "json", default: { deep: [1] } },
    ],
  });
  assert.deepEqual(config, [
    { markdown: "Only text" },
    { key: "b", name: "B", type: "string", default: "x", hint: "h", required: true, secret: true, order: 1 },
    { key: "a", type: "choice", choices: ["one", "two"] },
    { key: "c", type: "attachment" },
    { key: "d", type: "json", default: { deep: [1] } },
  ]);
});

Deno.test("parseManifest() makes a list of the object form, by order with missing and 0 last", () => {
  const { config } = parse({
    name: "Hello",
    config: {
      zero: { type: "string", order: 0 },
      second: { type: "string", order: 2, secret: true },
      none: { name: "N" },
      first: { type: "string", order: 1 },
    },
  });
  assert.deepEqual(config.map(({ key }) => key), ["first", "second", "zero", "none"]);
  assert.equal(config[1]?.secret, true);
});

Deno.test("parseManifest() ignores fields that PostHog ignored or only showed", () => {
  const manifest = parse({
    name: "Hello",
    description: "d",
    url: "https://example.com",
    main: "src/index.ts",
    lib: "index.js",
    stateless: true,
    posthogVersion: ">= 1.24.0",
    icon: "x.png",
    config: [{ key: "a", visible_if: [["b", "c"]], required_if: [], site: true, hint: 5 }],
    anything: { else: 1 },
  });
  assert.deepEqual(manifest, {
    name: "Hello",
    description: "d",
    url: "https://example.com",
    main: "src/index.ts",
    config: [{ key: "a", visible_if: [["b", "c"]], required_if: [] }],
    publicJobs: {},
    schedule: {},
    warnings: ["config[0].hint: found 5, expected a string"],
  });
});

Deno.test("parseManifest() falls back to the given name, an empty description and an empty config", () => {
  assert.deepEqual(parse({}), emptyManifest("fallback"));
  assert.equal(parse({ name: "" }).name, "fallback");
  assert.deepEqual(parse({ config: null }).config, []);
});

Deno.test("parseManifest() keeps public jobs with their payload fields", () => {
  const field = { type: "number", required: true, title: "Days", default: 7, staff_only: true };
  const manifest = parse({ publicJobs: { export: { payload: { days: field } }, bare: {} } });
  assert.deepEqual(manifest.publicJobs, { export: { payload: { days: field } }, bare: { payload: {} } });
});

Deno.test("parseManifest() accepts cron expressions in schedule and names those that are not", () => {
  assert.deepEqual(parse({ schedule: { sync: "*/5 * * * *" } }).schedule, { sync: "*/5 * * * *" });
  const [problem, ...rest] = problems({ schedule: { sync: "every minute" } });
  assert.match(problem ?? "", /^schedule\.sync: found "every minute", expected a cron expression/);
  assert.deepEqual(rest, []);
});

Deno.test("parseManifest() reads what PostHog read, and says what is not as it is meant to be", () => {
  const manifest = parse({
    name: 5,
    description: null,
    main: "",
    config: [
      { key: "a", type: "number", default: 1 },
      "text",
      { key: "b", type: "choice" },
      { key: "c", type: "choice", choices: ["x", 1] },
      { key: "d", type: "dictionary", default: { a: "b" }, secret: "yes" },
      { key: "e", type: "boolean" },
      { key: "f", type: "multiline" },
    ],
    publicJobs: { go: { payload: { days: { required: true } } }, odd: 5 },
  });
  assert.deepEqual(manifest, {
    name: "5",
    description: "",
    config: [
      { key: "a", type: "string", default: 1 },
      { key: "b", type: "choice" },
      { key: "c", type: "choice", choices: ["x", "1"] },
      { key: "d", type: "dictionary", default: { a: "b" }, secret: true },
      { key: "e", type: "boolean" },
      { key: "f", type: "multiline" },
    ],
    publicJobs: { go: { payload: { days: { type: "string", required: true } } }, odd: { payload: {} } },
    schedule: {},
    warnings: [
      "name: found 5, expected a string",
      "description: found null, expected a string",
      'main: found "", expected a string that is not empty',
      'config[0].type: found "number", expected "string" or "multiline" or "boolean" or "choice" or "json" or "dictionary" or "attachment"',
      'config[1]: found "text", expected an object',
      "config[2].choices: found none, expected a list of strings",
      "config[3].choices[1]: found 1, expected a string",
      "config[4].secret: found a text of 3 characters, expected a boolean",
      "publicJobs.go.payload.days.type: found nothing, expected a string",
      "publicJobs.odd: found 5, expected an object",
    ],
  });
  for (const nothing of [null, undefined]) {
    assert.deepEqual(parse({ config: nothing, publicJobs: nothing, schedule: nothing }).publicJobs, {});
  }
  assert.deepEqual(parse({ config: "none" }).config, []);
});

Deno.test("parseManifest() refuses what is no object", () => {
  assert.deepEqual(problems([]), ["the file: found an empty list, expected an object"]);
});

Deno.test("parseManifest() says why a text is not JSON and bears a byte order mark", () => {
  assert.throws(() => parseManifest('{"name": }', "x"), /^ManifestError: plugin\.json is not JSON: .+/);
  assert.equal(parseManifest('\uFEFF{"name":"B"}', "x").name, "B");
});

Deno.test("mergeDefaults() fills absent keys only", () => {
  const manifest = parse({
    config: [
      { key: "absent", default: "d" },
      { key: "empty", default: "d" },
      { key: "set", default: "d" },
      { key: "nothing", default: "d" },
      { key: "none" },
      { key: "file", type: "attachment", default: "d" },
      { markdown: "text" },
    ],
  });
  assert.deepEqual(mergeDefaults(manifest, { empty: "", set: "s", nothing: null, other: 1 }), {
    empty: "",
    set: "s",
    nothing: null,
    other: 1,
    absent: "d",
  });
});

Deno.test("mergeDefaults() gives each plugin config its own copy of a default", () => {
  const manifest = parse({ config: [{ key: "list", type: "json", default: [1] }] });
  const first = mergeDefaults(manifest, {});
  (first["list"] as number[]).push(2);
  assert.deepEqual(mergeDefaults(manifest, {}), { list: [1] });
});

Deno.test("mergeDefaults() is not misled by keys that objects inherit", () => {
  const manifest = parse({ config: [{ key: "__proto__", default: "x" }, { key: "constructor", default: "y" }] });
  const merged = mergeDefaults(manifest, {});
  assert.equal(Object.getPrototypeOf(merged), Object.prototype);
  assert.deepEqual(Object.keys(merged).sort(), ["__proto__", "constructor"]);
});
