/**
 * Proves that npm packages are bundled with a plugin, that provided modules are left to the sandbox, and that nothing
 * outside the plugin's folder is packed.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { BundleError } from "../../../../host/loader/bundle/bundle_error.ts";
import { bundlePlugin } from "../../../../host/loader/bundle/bundle_plugin.ts";
import { installPackages } from "../../../../host/loader/bundle/install_packages.ts";
import { runCompiled } from "../../../kit/compiled_plugin.ts";
import { pluginFolder } from "../../../kit/plugin_folder.ts";
import { untilEsbuildEnds } from "../../../kit/esbuild_end.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

async function bundle(files: Record<string, string>) {
  await using _end = untilEsbuildEnds();
  await using folder = await pluginFolder(files);
  return await bundlePlugin(folder.path);
}

/** Compiles the bundle as any plugin, and runs it. */
async function run(files: Record<string, string>, modules: Record<string, unknown> = {}) {
  const { code } = await bundle(files);
  return (await runCompiled({ "index.js": code }, "index.js", modules)).exports;
}

async function refusal(files: Record<string, string>): Promise<string> {
  const error = await bundle(files).catch((error) => error);
  assert.ok(error instanceof BundleError, `Expected a BundleError, found ${error}`);
  return error.message;
}

const PACKAGES = {
  "node_modules/esm-only/package.json": '{"name":"esm-only","type":"module","exports":"./main.js"}',
  "node_modules/esm-only/main.js": "export const double = (n) => 2 * n; export default 'esm'",
  "node_modules/common/package.json": '{"name":"common","main":"lib"}',
  "node_modules/common/lib/index.js": "exports.triple = (n) => 3 * n; exports.deep = require('deep').value",
  "node_modules/deep/package.json": '{"name":"deep"}',
  "node_modules/deep/index.js":
    "module.exports = { value: process.env.NODE_ENV, home: process.env.HOME, root: global === globalThis }",
};

Deno.test("bundlePlugin() packs packages of every module style with the plugin's own files", async () => {
  const exports = await run({
    ...PACKAGES,
    "plugin.json": '{"main":"src/index.ts"}',
    "src/index.ts": `
      import esm, { double } from 'esm-only'
      import { triple, deep } from 'common'
      import { home, root } from 'deep'
      import data from './data.json'
      import type { Nothing } from 'not-installed'
      export const got: unknown[] = [esm, double(1), triple(1), deep, home, root, data]`,
    "src/data.json": '{"a":1}',
  });
  assert.deepEqual(exports["got"], ["esm", 2, 3, "production", undefined, true, { a: 1 }]);
});

Deno.test("bundlePlugin() leaves provided modules to the sandbox, also in packages", async () => {
  const exports = await run({
    "index.js": "import fetch from 'node-fetch'; export const got = [fetch, require('uses')]",
    "node_modules/uses/index.js": "module.exports = require('node:crypto').createHash",
    "node_modules/node-fetch/index.js": "module.exports = 'not this one'",
  }, { "node-fetch": "fetch", crypto: { createHash: "hash" } });
  assert.deepEqual(exports["got"], ["fetch", "hash"]);
});

Deno.test("bundlePlugin() takes what a package has for browsers, and npm's stand-in for a built-in module", async () => {
  const exports = await run({
    "index.js": "export { default as got } from 'both'; export { default as events } from 'events'",
    "node_modules/both/package.json": '{"main":"node.js","browser":{"./node.js":"./browser.js"}}',
    "node_modules/both/node.js": "module.exports = require('fs')",
    "node_modules/both/browser.js": "module.exports = 'browser'",
    "node_modules/events/index.js": "module.exports = 'events of npm'",
  });
  assert.deepEqual([exports["got"], exports["events"]], ["browser", "events of npm"]);
});

Deno.test("bundlePlugin() warns of modules that plugins have not, which fail where they are used", async () => {
  const files = {
    "index.js": "import lib from 'uses-fs'; export { lib }; export const read = () => lib.fs.readFileSync('x')",
    "node_modules/uses-fs/index.js":
      "exports.fs = require('fs'); try { require('optional') } catch { exports.without = true }",
  };
  const { warnings } = await bundle(files);
  assert.deepEqual(warnings.sort(), [
    "uses-fs/index.js imports 'fs', which plugins have not: it fails where it is used",
    "uses-fs/index.js requires 'optional', which is not installed: it fails where it is used",
  ]);
  const exports = await run(files);
  assert.equal((exports["lib"] as { without: boolean }).without, true);
  assert.throws(() => (exports["read"] as () => void)(), /Cannot use 'fs\.readFileSync': plugins have no module 'fs'/);
});

Deno.test("bundlePlugin() puts something in the place of built-in modules that can be extended, and fails by name", async () => {
  const exports = await run({
    "index.js": `
      const assert = require("assert"), { EventEmitter } = require("events"), fs = require("fs/promises")
      class Client extends EventEmitter {}
      const read = fs.readFile.bind(fs)
      export const attempts = [() => assert(true), () => assert.equal(1, 1), () => new Client(), () => read("x")]`,
  });
  const messages = (exports["attempts"] as (() => unknown)[]).map((attempt) => {
    try {
      return attempt();
    } catch (error) {
      return (error as Error).message;
    }
  });
  assert.deepEqual(messages, [
    "Cannot use 'assert': plugins have no module 'assert'",
    "Cannot use 'assert.equal': plugins have no module 'assert'",
    "Cannot use 'events.EventEmitter': plugins have no module 'events'",
    "Cannot use 'fs/promises.readFile': plugins have no module 'fs/promises'",
  ]);
});

Deno.test("bundlePlugin() packs no file from outside of the plugin's folder and its node_modules", async () => {
  await using _end = untilEsbuildEnds();
  await using folder = await pluginFolder({
    "secret.json": '{"token":"s3cret"}',
    "node_modules/around/index.js": "module.exports = 'around'",
    "shared/package.json": '{"name":"shared"}',
    "shared/index.js": "module.exports = 's3cret'",
    "own/by_path.js": "exports.got = require('../secret.json')",
    "own/by_link.js": "exports.got = require('./link.json')",
    "own/by_package.js": "exports.got = require('linked')",
    "own/by_package_link.js": "exports.got = require('linked/link.json')",
    "own/allowed.js": "exports.got = [require('around'), require('./src/a.json')]",
    "own/src/a.json": "1",
    "own/node_modules/linked/package.json": "{}",
  });
  await Deno.symlink("../secret.json", `${folder.path}/own/link.json`);
  await Deno.symlink("../../../secret.json", `${folder.path}/own/node_modules/linked/link.json`);
  await Deno.symlink("../../../shared/index.js", `${folder.path}/own/node_modules/linked/index.js`);
  for (const main of ["by_path.js", "by_link.js", "by_package.js", "by_package_link.js", "../shared/index.js"]) {
    await assert.rejects(bundlePlugin(`${folder.path}/own`, { main }), {
      name: "BundleError",
      message:
        /(secret\.json|shared\/index\.js) lies outside of the plugin's folder: copy what the plugin needs into it/,
    }, main);
  }
  const { code } = await bundlePlugin(`${folder.path}/own`, { main: "allowed.js" });
  assert.match(code, /around/);
});

Deno.test("bundlePlugin() refuses packages that are not installed and native addons", async () => {
  assert.match(
    await refusal({ "index.js": "\nimport { a } from 'left-out'; a" }),
    /^Cannot bundle hogpen_test_\w+:\n {2}index\.js:2:18: .*index\.js imports 'left-out', which is not installed$/,
  );
  assert.match(
    await refusal({
      "index.js": "require('native')",
      "node_modules/native/index.js": "module.exports = require('./build/x.node')",
    }),
    /native\/index\.js loads a native addon, \.\/build\/x\.node; plugins run JavaScript alone$/,
  );
  assert.match(
    await refusal({ "index.js": "require('native')", "node_modules/native/index.js": "require('bindings')('x')" }),
    /native\/index\.js loads a native addon$/,
  );
  assert.match(await refusal({ "index.js": "let = 1 +" }), /index\.js:1:/);
  assert.match(
    await refusal({ "README.md": "" }),
    /there is no index\.js or index\.ts, and plugin\.json names no main$/,
  );
});

const STYLES = {
  "module.exports": "module.exports = { processEvent: () => double(2) }",
  "exports override": "exports = { processEvent: () => double(2) }",
  "exports set": "exports.processEvent = () => double(2)",
};
for (const [name, code] of Object.entries(STYLES)) {
  Deno.test(`bundlePlugin() keeps what a plugin exports by ${name}`, async () => {
    const exports = await run({ ...PACKAGES, "index.js": `const { double } = require('esm-only');\n${code}` });
    assert.equal((exports["processEvent"] as () => number)(), 4);
  });
}

Deno.test("bundlePlugin() keeps functions that are only declared", async () => {
  const { code } = await bundle({
    ...PACKAGES,
    "index.js": "import { double } from 'esm-only'\nfunction processEvent(e) { return double(e) }",
  });
  assert.match(code, /^function processEvent\(e\)/m);
});

/** npm's registry with one package, on loopback. */
async function serveRegistry() {
  const body = "module.exports = 'from the registry'";
  const manifest = '{"name":"only-here","version":"1.2.3"}';
  const tarball = gzipSync(
    await packTar([
      { header: { name: "package/package.json", size: manifest.length }, body: manifest },
      { header: { name: "package/index.js", size: body.length }, body },
    ]),
  );
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname, origin } = new URL(request.url);
    if (pathname.endsWith(".tgz")) return new Response(Buffer.from(tarball));
    if (!pathname.endsWith("/only-here")) return new Response("{}", { status: 404 });
    const dist = { tarball: `${origin}/only-here-1.2.3.tgz`, integrity };
    return Response.json({
      name: "only-here",
      "dist-tags": { latest: "1.2.3" },
      versions: { "1.2.3": { name: "only-here", version: "1.2.3", dist } },
    });
  });
  return { url: `http://127.0.0.1:${server.addr.port}/`, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("installPackages() installs what package.json names beside the plugin, from npm's registry", async () => {
  await using _end = untilEsbuildEnds();
  await using registry = await serveRegistry();
  await using cache = await temporaryFolder();
  const env = { NPM_CONFIG_REGISTRY: registry.url, DENO_DIR: cache.path };
  await using folder = await pluginFolder({
    "package.json":
      '{"dependencies":{"only-here":"^1.0.0"},"devDependencies":{"jest":"1"},"scripts":{"postinstall":"exit 1"}}',
    "index.js": "exports.got = require('only-here')",
  });
  await using packages = await installPackages(folder.path, { env });
  const { code } = await bundlePlugin(folder.path, { packageFolders: packages.folders });
  assert.equal((await runCompiled({ "index.js": code })).exports["got"], "from the registry");
  assert.deepEqual((await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name).sort(), [
    "index.js",
    "package.json",
  ]);
  await using other = await pluginFolder({ "package.json": '{"dependencies":{"nowhere":"1"}}' });
  await assert.rejects(installPackages(other.path, { env }), /^BundleError: Cannot install the packages of .*nowhere/s);
});

Deno.test("installPackages() uses what is installed already, and needs nothing when nothing is named", async () => {
  await using installed = await pluginFolder({ ...PACKAGES, "package.json": '{"dependencies":{"deep":"1"}}' });
  await using bare = await pluginFolder({ "package.json": "{}" });
  for (const { path } of [installed, bare]) {
    await using packages = await installPackages(path);
    assert.deepEqual(packages.folders, []);
  }
  await using broken = await pluginFolder({ "package.json": '{"dependencies":[]}' });
  await assert.rejects(installPackages(broken.path), /^BundleError: Cannot read package\.json: /);
});
