/**
 * Proves that compiled plugins behave in a real cell as they did in PostHog, with errors placed in the author's own
 * source.
 */

import assert from "node:assert/strict";
import { loadPlugin } from "../../../host/loader/load_plugin.ts";
import { pluginFolder } from "../../kit/plugin_folder.ts";
import { eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

/** Loads a plugin of these files and runs events through it in a real cell. */
async function runInCell(files: Record<string, string>, events: Record<string, unknown>[] = [eventOf()]) {
  await using folder = await pluginFolder(files);
  const plugin = await loadPlugin(folder.path);
  await using cell = new RawCell();
  const [loaded] = await cell.load([pluginOf("", { files: plugin.files, main: plugin.main })], { deadlineMs: 500 });
  const answer = loaded && "error" in loaded ? null : await cell.batch(events);
  return { plugin, loaded, answer };
}

function properties(event: unknown): Record<string, unknown> {
  return (event as { properties: Record<string, unknown> }).properties;
}

Deno.test("a plugin of several files, TypeScript and JSON runs in a cell", async () => {
  const { answer } = await runInCell({
    "plugin.json": '{"main":"src/index.ts"}',
    "src/index.ts": `
      import { createHash } from 'crypto'
      import { PluginEvent } from '@posthog/plugin-scaffold'
      import { suffix } from './lib/suffix'
      import data from './data.json'
      enum Kind { One = 1 }
      export function processEvent(event: PluginEvent) {
        event.properties = { hash: createHash('md5').update('a').digest('hex').slice(0, 4), suffix, data, kind: Kind.One }
        return event
      }`,
    "src/lib/suffix.js": "exports.suffix = require('../other.cjs') + '!'",
    "src/other.cjs": "module.exports = 'other'",
    "src/data.json": '{"list":[1]}',
  });
  assert.deepEqual(properties(answer?.events[0]), { hash: "0cc1", suffix: "other!", data: { list: [1] }, kind: 1 });
});

Deno.test("sloppy code means in a cell what it meant in PostHog", async () => {
  const { answer } = await runInCell({
    "index.js": `
      counter = 41
      function add() { return this.counter === counter ? ++counter : -1 }
      function processEvent(event) { implicit = add(); event.properties.got = [implicit, counter, 010]; return event }`,
  });
  assert.deepEqual(properties(answer?.events[0])["got"], [42, 42, 8]);
});

Deno.test("an error in a cell has the stack of the plugin's own files, lines and columns", async () => {
  const { plugin, answer } = await runInCell({
    "index.ts": [
      "import { fail } from './lib/fail'",
      "interface Nothing { a: string }",
      "",
      "export async function processEvent(event: object): Promise<object> {",
      "  while (true) {",
      "    fail(event)",
      "  }",
      "}",
    ].join("\n"),
    "lib/fail.ts":
      "type A = string\n\nexport function fail(a: unknown): never {\n  throw new TypeError('no ' + typeof a)\n}\n",
  });
  const error = answer?.errors[0]?.error;
  assert.equal(error?.message, "no object");
  assert.deepEqual(plugin.mapStack(error?.stack ?? "").split("\n").filter((line) => line.includes(" at ")), [
    "    at fail (/lib/fail.ts:4:9)",
    // The bracket of the call: an imported function is called through its module, as `(0, _fail.fail)(event)`.
    "    at processEvent (/index.ts:6:9)",
  ]);
});

Deno.test("an error while a plugin loads has its place too", async () => {
  const { plugin, loaded } = await runInCell({
    "index.ts": "type A = 1\ntype B = 2\nexport const a: A = (undefined as any).b\n",
  });
  assert.ok(loaded && "error" in loaded);
  assert.equal(loaded.error.name, "TypeError");
  assert.match(plugin.mapStack(loaded.error.stack ?? ""), / at .*\/index\.ts:3:\d+/);
});

Deno.test("TO-01 TO-04 TO-07 a loop that does not end fails with its place in the source", async () => {
  for (const loop of ["while(1) {}", "do {} while (1);", "for(let i = 0; i < i + 1; i++) {}"]) {
    const { answer } = await runInCell({
      "index.js": `\nasync function processEvent (event, meta) {\n                ${loop}\n}`,
    });
    assert.equal(
      answer?.errors[0]?.error.message,
      "Script execution timed out after looping for 0.5 seconds on line 3:16",
    );
  }
});

Deno.test("import() and require of what is not provided fail in a cell with PostHog's words", async () => {
  const { answer } = await runInCell({
    "index.js": `
      const say = (promise) => promise.then(() => 'reached', (error) => error.message)
      export async function processEvent(event) {
        const computed = ['f', 's'].join('')
        event.properties = {
          literal: await say(import('fs')), computed: await say(import(computed)), file: await say(import('/etc/passwd' + '')),
          known: await say(import('crypto')), meta: Object.keys(import.meta).length,
        }
        return event
      }`,
  });
  const { literal, computed, file, known, meta } = properties(answer?.events[0]);
  assert.match(String(literal), /^Cannot import 'fs'! This package is not provided by PostHog in plugins\.$/);
  assert.equal(computed, literal);
  assert.match(String(file), /^Cannot import '\/etc\/passwd'!/);
  assert.deepEqual([known, meta], ["reached", 0]);
});
