/**
 * Proves that a plugin's entry, manifest and files are found as PostHog found them, and that each way of failing is
 * explained.
 */

import assert from "node:assert/strict";
import { loadPlugin } from "../../../host/loader/load_plugin.ts";
import { PluginLoadError } from "../../../host/loader/plugin.ts";
import { pluginFolder } from "../../kit/plugin_folder.ts";

async function load(files: Record<string, string>, digest?: string) {
  await using folder = await pluginFolder(files);
  return await loadPlugin(folder.path, digest === undefined ? {} : { digest });
}

async function failure(files: Record<string, string>, digest = "plugin test-maxmind-plugin ID 60") {
  const error = await load(files, digest).catch((error) => error);
  assert.ok(error instanceof PluginLoadError, `Expected a PluginLoadError, found ${error}`);
  return error.record;
}

Deno.test("loadPlugin() compiles the entry of a folder and what it reaches, nothing else", async () => {
  const plugin = await load({
    "plugin.json": '{"name":"Hello","main":"./src/index.ts"}',
    "src/index.ts": "import { a } from './a'; import data from '../data.json'; export const got = [a, data]",
    "src/a.ts": "export const a: number = 1",
    "data.json": '{"b":1}',
    "src/unused.ts": "syntax error here",
    "node_modules/x/index.js": "also not read",
    "README.md": "# Hello",
  });
  assert.equal(plugin.main, "src/index.ts");
  assert.equal(plugin.manifest.name, "Hello");
  assert.deepEqual(Object.keys(plugin.files), ["src/index.ts", "src/a.ts", "data.json"]);
  assert.equal(plugin.files["data.json"], '{"b":1}');
  assert.match(plugin.files["src/index.ts"] ?? "", /require\("\/src\/a\.ts"\)/);
});

Deno.test("loadPlugin() takes main exactly, otherwise index.js, then index.ts", async () => {
  const both = { "index.js": "exports.a = 1", "index.ts": "export const b = 1" };
  assert.equal((await load(both)).main, "index.js");
  assert.equal((await load({ "index.ts": "export const b = 1" })).main, "index.ts");
  assert.equal((await load({ ...both, "plugin.json": '{"main":"index.ts"}' })).main, "index.ts");
  const { message } = await failure({ ...both, "plugin.json": '{"main":"missing.js"}' });
  assert.equal(message, "Could not load source code for plugin test-maxmind-plugin ID 60. Tried: missing.js");
});

Deno.test("loadPlugin() reads TypeScript in whatever the entry is called", async () => {
  const plugin = await load({
    "plugin.json": '{"main":"plugin.source"}',
    "plugin.source": "interface A {} export const a = 1 as A",
  });
  assert.match(plugin.files["plugin.source"] ?? "", /exports\.a = 1/);
});

Deno.test("loadPlugin() needs no plugin.json, as PostHog's editor did not", async () => {
  await using folder = await pluginFolder({ "my-plugin/index.js": "exports.a = 1" });
  const { manifest } = await loadPlugin(folder.file("my-plugin"));
  assert.deepEqual(manifest, { name: "my-plugin", description: "", config: [], publicJobs: {}, schedule: {} });
});

Deno.test("loadPlugin() takes the code itself", async () => {
  const plugin = await loadPlugin({
    inline: "export function processEvent(event: object) { return event }",
    name: "Mine",
  });
  assert.deepEqual([plugin.main, plugin.manifest.name], ["index.ts", "Mine"]);
});

Deno.test("PL-06 a local plugin with broken code is refused with a SyntaxError of its place", async () => {
  const record = await failure({ "plugin.json": '{"name":"x"}', "index.js": "export const a = 1\nfunction ( {" });
  assert.equal(record.name, "SyntaxError");
  assert.match(record.message, /^\/index\.js: Unexpected token \(2:9\)\n/);
  assert.match(record.stack ?? "", /\n {4}at \/index\.js:2:10$/);
  assert.equal(record.retry, false);
  const other = await failure({ "index.js": "require('./lib/b')", "lib/b.js": "let a = ;" });
  assert.match(other.message, /^\/lib\/b\.js: .*\(1:8\)/);
});

Deno.test("PL-11 PL-12 a broken plugin.json is refused with every problem named", async () => {
  const { message } = await failure({ "plugin.json": '{"schedule":{"a":1,"b":"often"}}', "index.js": "1" });
  assert.match(
    message,
    /^Could not load "plugin\.json" for plugin test-maxmind-plugin ID 60: schedule\.a: found 1, .*\nschedule\.b: found "often", /,
  );
  assert.match(
    (await failure({ "plugin.json": '{"name":"test', "index.js": "1" })).message,
    /^Could not load "plugin\.json" for plugin test-maxmind-plugin ID 60: plugin\.json is not JSON: /,
  );
});

Deno.test("PL-13 a plugin without code is refused with what was tried", async () => {
  const digest = "plugin test-maxmind-plugin ID 60";
  assert.equal(
    (await failure({ "plugin.json": "{}" })).message,
    `Could not load source code for ${digest}. Tried: index.ts, index.js`,
  );
  assert.equal(
    (await failure({ "plugin.json": '{"main":"index.js"}', "index.js": " \n" })).message,
    `Could not load source code for ${digest}. Tried: index.js`,
  );
});

Deno.test("a plugin without code that runs on a server is refused with what its author may have overlooked", async () => {
  assert.match(
    (await failure({ "plugin.json": "{}", "site.ts": "export function inject() {}" })).message,
    /Tried: index\.ts, index\.js\. site\.ts runs in the browsers of visitors/,
  );
  assert.match(
    (await failure({ "plugin.json": '{"main":"dist/index.js"}', "package.json": "{}", "src/index.ts": "1" })).message,
    /Tried: dist\/index\.js\. It is not built: run the plugin's own build, or `hogpen bundle --entry <source>`/,
  );
});

Deno.test("loadPlugin() names a source that is not there, and data that is not JSON", async () => {
  await assert.rejects(
    loadPlugin("/nowhere/at/all"),
    /^PluginLoadError: Cannot read plugin \/nowhere\/at\/all: no such file or folder$/,
  );
  const { message } = await failure({ "index.js": "require('./data.json')", "data.json": "{" });
  assert.match(message, /^\/data\.json: /);
});

Deno.test("loadPlugin() does not follow links out of the folder", async () => {
  await using outside = await pluginFolder({ "secret.js": "exports.secret = 1" });
  await using folder = await pluginFolder({ "index.js": "require('./link')", "inside.js": "exports.a = 1" });
  await Deno.symlink(outside.file("secret.js"), folder.file("link.js"));
  await assert.rejects(loadPlugin(folder.path), /Cannot import '\.\/link'! The plugin has no such file/);
  await Deno.remove(folder.file("link.js"));
  await Deno.symlink("inside.js", folder.file("link.js"));
  assert.deepEqual(Object.keys((await loadPlugin(folder.path)).files), ["index.js", "link.js"]);
});

Deno.test("loadPlugin() gives a revision that changes with code and manifest alone", async () => {
  const files = { "plugin.json": '{"name":"A"}', "index.js": "require('./b')", "b.js": "1", "c.js": "1" };
  const { revision } = await load(files);
  assert.match(revision, /^[0-9a-f]{64}$/);
  // Each folder has another name: what a plugin is called otherwise is no part of it.
  assert.equal((await load({ ...files, "c.js": "2", "README.md": "new" })).revision, revision);
  assert.notEqual((await load({ ...files, "b.js": "2" })).revision, revision);
  assert.notEqual((await load({ ...files, "plugin.json": '{"name":"B"}' })).revision, revision);
});

Deno.test("loadPlugin() maps stacks back to the plugin's own files and leaves out other frames", async () => {
  const { mapStack, files } = await load({
    "index.ts": "import { b } from './b'\ninterface A {}\n\nexport function processEvent() {\n  while (true) b()\n}\n",
    "b.ts": "type B = string\nexport function b(): B {\n  throw new Error('x')\n}\n",
  });
  const place = (path: string, text: string) => {
    const before = files[path]!.slice(0, files[path]!.indexOf(text)).split("\n");
    return `/${path}:${before.length}:${before.at(-1)!.length + 1}`;
  };
  const stack = [
    "Error: x",
    "second line of the message",
    `    at b (${place("b.ts", "new Error")})`,
    `    at async Object.processEvent (${place("index.ts", "(0, _b.b)")})`,
    `    at ${place("b.ts", "throw")}`,
    "    at callPlugin (file:///somewhere/sandbox/call.ts:10:5)",
    "    at https://example.com/index.ts:1:1",
    "    at <anonymous>",
  ].join("\n");
  assert.deepEqual(mapStack(stack).split("\n"), [
    "Error: x",
    "second line of the message",
    "    at b (/b.ts:3:9)",
    "    at async Object.processEvent (/index.ts:5:16)",
    "    at /b.ts:3:3",
  ]);
});

Deno.test("loadPlugin() compiles with what it is given, for a cache", async () => {
  const seen: string[] = [];
  await loadPlugin({ inline: "exports.a = 1" }, {
    transform: (job) => {
      seen.push(job.path);
      return Promise.resolve({
        code: "compiled",
        map: '{"version":3,"sources":[],"mappings":""}',
        imports: [],
        packages: [],
      });
    },
  });
  assert.deepEqual(seen, ["index.ts"]);
});
