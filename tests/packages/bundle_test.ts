/** Proves that a bundled plugin can use npm packages of its own, which have no more rights than the plugin itself. */

import assert from "node:assert/strict";
import { bundlePlugin } from "../../host/loader/bundle/bundle_plugin.ts";
import { untilEsbuildEnds } from "../kit/esbuild_end.ts";
import { pluginFolder } from "../kit/plugin_folder.ts";
import { startPackagePlugin } from "./package_plugin.ts";

Deno.test("a bundled plugin runs in the sandbox with npm packages of its own", async () => {
  await using _end = untilEsbuildEnds();
  await using folder = await pluginFolder({
    "plugin.json": '{"name":"bundled","main":"index.ts"}',
    "index.ts": `import slug from 'slug-maker'
      import fetch from 'node-fetch'
      import { emitter, timer } from 'uses-node'
      import { createHash } from 'crypto'
      export function processEvent(event: { properties: object }) {
        let heard = ''
        emitter.on('x', (text: string) => heard = text).emit('x', 'said')
        let later
        try { later = timer() } catch (error) { later = (error as Error).name }
        event.properties = { slug: slug('Hello, World'), heard, same: fetch === globalThis.fetch, later, hash: createHash('md5').update('a').digest('hex') }
        return event
      }`,
    "node_modules/slug-maker/package.json": '{"name":"slug-maker","type":"module","exports":"./main.js"}',
    "node_modules/slug-maker/main.js":
      "import { lower } from 'lower'; export default (text) => lower(text).replace(/\\W+/g, '-')",
    "node_modules/lower/package.json": '{"name":"lower","main":"index.js"}',
    "node_modules/lower/index.js": "exports.lower = (text) => text.toLowerCase()",
    "node_modules/uses-node/package.json": '{"name":"uses-node","dependencies":{"events":"3"}}',
    "node_modules/uses-node/index.js":
      "const E = require('events'); exports.emitter = new E(); exports.timer = () => setTimeout(() => {}, 1)",
    "node_modules/events/package.json": '{"name":"events","main":"events.js"}',
    "node_modules/events/events.js":
      "module.exports = class { on(n, f) { this[n] = f; return this } emit(n, v) { this[n](v) } }",
  });
  const { code } = await bundlePlugin(folder.path);
  await using plugin = await startPackagePlugin({ inline: code, name: "bundled" });
  assert.deepEqual((await plugin.processEvent()).properties, {
    slug: "hello-world",
    heard: "said",
    same: true,
    // What a package brings along has no more than the plugin itself.
    later: "TypeError",
    hash: "0cc175b9c0f1b6a831c399e269772661",
  });
});
