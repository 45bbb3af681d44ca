/** Proves that `hogpen bundle` writes a folder that loads as a plugin, and says why when it cannot. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { loadPlugin } from "../../../../host/loader/load_plugin.ts";
import { pluginFolder } from "../../../kit/plugin_folder.ts";

const MAIN = fileURLToPath(new URL("../../../../main.ts", import.meta.url));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "bundle", ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("bundle writes a folder that is a plugin, with what plugin.json says", async () => {
  await using folder = await pluginFolder({
    "plugin.json": '{"name":"Packed","main":"src/index.ts","config":[{"key":"a","default":"b"}]}',
    "src/index.ts":
      "import { three } from 'three'; export function processEvent(event: object) { return { ...event, three } }",
    "node_modules/three/index.js": "exports.three = 3; exports.path = () => require('path')",
  });
  const { code, out, err } = await run(folder.path);
  assert.equal(code, 0, err);
  assert.match(out, /^Wrote .*index\.js \(\d+ characters\)\. Use .*dist\/hogpen as the plugin's source\n$/);
  assert.match(err, /^Warning: three\/index\.js imports 'path', which plugins have not: it fails where it is used\n$/m);
  const { manifest, main, files } = await loadPlugin(folder.file("dist/hogpen"));
  assert.deepEqual([manifest.name, manifest.config, main], ["Packed", [{ key: "a", default: "b" }], "index.js"]);
  assert.deepEqual(Object.keys(files), ["index.js"]);

  const elsewhere = await run(folder.path, "--out", folder.file("other/packed.js"));
  assert.equal(elsewhere.code, 0, elsewhere.err);
  assert.equal((await loadPlugin(folder.file("other"))).main, "packed.js");
});

Deno.test("bundle says why a plugin cannot be packed, and fails", async () => {
  await using folder = await pluginFolder({ "index.js": "import a from 'left-out'; export { a }" });
  const { code, err } = await run(folder.path);
  assert.equal(code, 1);
  assert.match(
    err,
    /^Cannot bundle .*:\n {2}index\.js:1:14: .*index\.js imports 'left-out', which is not installed\n$/,
  );
  const missing = await run(folder.file("none"));
  assert.deepEqual([missing.code, /there is no such folder/.test(missing.err)], [1, true]);
  const own = await run(folder.path, "--out", folder.file("index.js"));
  assert.equal(own.code, 1);
  assert.equal(await Deno.readTextFile(folder.file("index.js")), "import a from 'left-out'; export { a }");
});

Deno.test("bundle starts from another file when the named one is not built, and fails when the result does not load", async () => {
  await using folder = await pluginFolder({
    "plugin.json": '{"name":"Built","main":"dist/index.js"}',
    "src/index.ts": "import lib from 'lib'; export const processEvent = (event: object) => ({ ...event, lib })",
    "src/asserts.ts": "import assert from 'assert'; assert(true); export const processEvent = (event: object) => event",
    "node_modules/lib/index.js": "module.exports = 'lib'",
  });
  const { code, err } = await run(folder.path, "--entry", "src/index.ts");
  assert.equal(code, 0, err);
  const { manifest, main } = await loadPlugin(folder.file("dist/hogpen"));
  assert.deepEqual([manifest.name, main], ["Built", "index.js"]);
  const failed = await run(folder.path, "--entry", folder.file("src/asserts.ts"));
  assert.equal(failed.code, 1);
  assert.match(failed.err, /Cannot run the bundle, index\.js: Cannot use 'assert': plugins have no module 'assert'/);
});
