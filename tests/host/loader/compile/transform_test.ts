/**
 * Proves that compiling keeps the meaning of a plugin's code, and refuses what cannot run in the sandbox with its
 * place.
 */

import assert from "node:assert/strict";
import { TransformError, transformFile } from "../../../../host/loader/compile/transform.ts";
import { runCompiled } from "../../../kit/compiled_plugin.ts";

async function compile(code: string, path = "index.ts", others: string[] = []): Promise<string> {
  return (await transformFile({ path, code, paths: [path, ...others] })).code;
}

async function failure(code: string, path = "index.ts"): Promise<TransformError> {
  const error = await transformFile({ path, code, paths: [path] }).catch((error) => error);
  assert.ok(error instanceof TransformError, `Expected a TransformError, found ${error}`);
  return error;
}

Deno.test("TR-08 interfaces, annotations and type imports vanish; enums and namespaces stay", async () => {
  const { exports } = await runCompiled({
    "index.ts": `
      import { PluginEvent, PluginMeta } from '@posthog/plugin-scaffold'
      import { Reader } from 'no-such-module'
      import type { Other } from './missing'
      import { type Third } from 'missing-too'
      interface Config { a: string }
      type Meta = PluginMeta<Config> & Other & Third
      export enum Level { Low = 1, High }
      const enum Fixed { A = 'a' }
      namespace Names { export const one = 1 }
      declare global { interface Window {} }
      abstract class Base<T> { constructor(private readonly value: T, protected n?: number) {} get(): T { return this.value! } }
      class Real extends Base<string> {}
      export function processEvent(this: void, event: PluginEvent, meta: Meta): PluginEvent {
        const r = <Reader>(null as unknown as Reader)
        return { ...event, r, level: Level.High, name: Level[1], fixed: Fixed.A, one: Names.one, got: new Real('x').get() } satisfies object as any
      }`,
  });
  assert.deepEqual((exports["processEvent"] as (event: object) => object)({ a: 1 }), {
    a: 1,
    r: null,
    level: 2,
    name: "Low",
    fixed: "a",
    one: 1,
    got: "x",
  });
});

Deno.test("TR-09 default, namespace, named and renamed imports of a provided module", async () => {
  const crypto = { createHash: () => "hash", default: "not this" };
  const url = { URL: "u" };
  const { exports } = await runCompiled(
    {
      "index.ts": `
        import whole from 'crypto'
        import * as all from 'crypto'
        import both, { createHash as hash, default as same } from 'crypto'
        import old = require('url')
        import prefixed from 'node:url'
        export { createHash as again, default as exported } from 'crypto'
        export * as space from 'crypto'
        export * from 'url'
        export const got = { whole, all, both, same, hash: hash(), old, prefixed }`,
    },
    "index.ts",
    { crypto, url },
  );
  const got = exports["got"] as Record<string, unknown>;
  for (const name of ["whole", "all", "both", "same"]) assert.equal(got[name], crypto, name);
  assert.equal(got["hash"], "hash");
  assert.equal(got["old"], url);
  assert.equal(got["prefixed"], url);
  assert.equal(exports["exported"], crypto);
  assert.equal(exports["space"], crypto);
  assert.equal(exports["again"], crypto.createHash);
  assert.equal(exports["URL"], "u");
});

Deno.test("TR-10 an import of any other module is refused with its place", async () => {
  const error = await failure("const a = 1\nimport { kea } from 'kea'\nkea(a)");
  assert.match(
    error.message,
    /^\/index\.ts: Cannot import 'kea'! This package is not provided by PostHog in plugins\. \(2:0\)\n/,
  );
  assert.match(error.message, /> 2 \| import \{ kea \} from 'kea'/);
  assert.deepEqual([error.line, error.column], [2, 0]);
  for (
    const code of ["import 'fs'", "export * from 'fs'", "export { a } from 'fs'", "import fs = require('fs'); fs()"]
  ) {
    assert.match((await failure(code)).message, /^\/index\.ts: Cannot import 'fs'! This package is not provided/);
  }
  assert.match((await failure("import a from 'pg/lib/client'; a")).message, /Cannot import 'pg\/lib\/client'!/);
});

Deno.test("TR-11 plain and destructured require give the module", async () => {
  const pool = { createPool: 1 };
  const { exports } = await runCompiled(
    {
      "index.js":
        "const pool = require('generic-pool'); const { createPool: c } = require(`generic-pool`); exports.got = [pool, c]",
    },
    "index.js",
    { "generic-pool": pool },
  );
  assert.deepEqual(exports["got"], [pool, 1]);
});

Deno.test("TR-12 a require of any other module, or of a computed name, is refused with its place", async () => {
  assert.match(
    (await failure("const a = 1; const { b } = require('kea')")).message,
    /^\/index\.ts: Cannot import 'kea'! This package is not provided by PostHog in plugins\. \(1:27\)/,
  );
  assert.match(
    (await failure("const m = 'pg'; require(m)", "a/b.js")).message,
    /^\/a\/b\.js: Cannot import 'undefined'!/,
  );
});

Deno.test("transformFile() leaves a require of the code's own alone", async () => {
  const { exports } = await runCompiled({
    "index.js": "(function (require) { exports.got = require('./anything') })((name) => name + '!')",
  });
  assert.equal(exports["got"], "./anything!");
  const renamed = await runCompiled({
    "index.js": "const require = (name) => name; let module = 1; exports.got = [require('own'), module]",
  });
  assert.deepEqual(renamed.exports["got"], ["own", 1]);
});

Deno.test("transformFile() resolves relative imports as TypeScript, Node and JSON would", async () => {
  const { exports } = await runCompiled({
    "src/index.ts": `
      import def, { named } from './lib'
      import * as all from '../shared/index.js'
      import data from './data.json'
      import attributed from './data.json' with { type: 'json' }
      import { a } from './data.json'
      import cjs from './old.cjs'
      import { inner } from './folder'
      import './side'
      export * as space from './lib'
      export { default as again, named as renamed } from './lib'
      export * from '../shared'
      const required = require('./folder/')
      export const got = { def, named, all: all.two, data, attributed, a, cjs, inner, required: required.inner }`,
    "src/lib.ts": "export default 'default'; export const named = 'named'",
    "shared/index.ts": "export const two = 2",
    "src/data.json": '{"a":1}',
    "src/old.cjs": "module.exports = { old: true }",
    "src/folder/index.mjs": "export const inner = 'i'",
    "src/side.js": "globalThis.__side = (globalThis.__side ?? 0) + 1",
    "src/lib.test.ts": "throw new Error('not reached')",
  });
  assert.deepEqual(exports["got"], {
    def: "default",
    named: "named",
    all: 2,
    data: { a: 1 },
    attributed: { a: 1 },
    a: 1,
    cjs: { old: true },
    inner: "i",
    required: "i",
  });
  assert.deepEqual({ ...exports["space"] as object }, { default: "default", named: "named" });
  assert.equal(exports["again"], "default");
  assert.equal(exports["renamed"], "named");
  assert.equal(exports["two"], 2);
  assert.equal((globalThis as { __side?: number }).__side, 1);
});

Deno.test("transformFile() refuses a relative import that the plugin has no file for", async () => {
  for (const specifier of ["./missing", "../outside", "../../etc/passwd", "/etc/passwd"]) {
    const { message } = await failure(`import a from '${specifier}'; a`);
    assert.match(message, /^\/index\.ts: Cannot import '.*'! The plugin has no such file\. \(1:0\)/);
  }
});

Deno.test("transformFile() lets files of a plugin import each other in a circle", async () => {
  const { exports } = await runCompiled({
    "a.ts": "import { b } from './b'; export function a() { return 'a' } export const got = b()",
    "b.ts": "import { a } from './a'; export function b() { return 'b' + a() }",
  });
  assert.equal(exports["got"], "ba");
});

Deno.test("transformFile() turns import() into the same require, refused only when it runs", async () => {
  const { exports } = await runCompiled(
    {
      "index.js": `
        exports.known = () => import('pg').then((m) => [m.default === require('pg'), m.Client])
        exports.own = async () => { const require = 1; return (await import('./own')).x + require }
        exports.unknown = () => import('fs')
        exports.computed = (name) => import(name)
        exports.meta = async () => (await import('pg')).Client`,
      "own.js": "export const x = 1",
    },
    "index.js",
    { pg: { Client: "client" } },
  );
  const call = exports as Record<string, (name?: string) => Promise<unknown>>;
  assert.deepEqual(await call["known"]!(), [true, "client"]);
  assert.equal(await call["own"]!(), 2);
  await assert.rejects(call["unknown"]!(), /No module fs/);
  await assert.rejects(call["computed"]!("data:text/javascript,1"), /No module data:/);
});

Deno.test("transformFile() lets import.meta say nothing", async () => {
  const { exports } = await runCompiled({
    "index.mjs": "export const got = [import.meta.url, import.meta.dirname, Object.keys(import.meta)]",
  });
  assert.deepEqual(exports["got"], [undefined, undefined, []]);
});

const EXPORT_STYLES = {
  "VM-12 module.exports override": "module.exports = { processEvent }",
  "VM-13 module.exports set": "module.exports.processEvent = processEvent",
  "VM-14 exports override": "exports = { processEvent }",
  "VM-15 exports set": "exports.processEvent = processEvent",
  "VM-16 export": "export { processEvent }",
  "module.exports beside import": "import { createHash } from 'crypto'; createHash; module.exports = { processEvent }",
  "exports override beside import": "import { createHash } from 'crypto'; createHash; exports = { processEvent }",
  "TypeScript's export =": "export = { processEvent }",
};
for (const [name, code] of Object.entries(EXPORT_STYLES)) {
  Deno.test(`${name} survives compilation`, async () => {
    const source = `function processEvent(event) { return event }\n${code}`;
    const { exports } = await runCompiled({ "index.ts": source }, "index.ts", { crypto: { createHash: 1 } });
    assert.equal((exports["processEvent"] as (event: unknown) => unknown)(7), 7);
  });
}

Deno.test("VM-17 export default with an object survives compilation", async () => {
  const { exports } = await runCompiled({ "index.ts": "export default { onEvent() { return 1 } }" });
  assert.equal((exports["default"] as { onEvent(): number }).onEvent(), 1);
});

Deno.test("transformFile() makes sloppy code mean the same under strict evaluation", async () => {
  const { exports } = await runCompiled({
    "index.js": `
      var octal = 010, text = "\\101", interface = 5, package = { private: 1 };
      function same(a, b, a) { return [a, b] }
      function global() { return this === globalThis }
      function own() { return this.x }
      var fact = function (n) { return n < 2 ? 1 : n * arguments.callee(n - 1) };
      globalThis.__implicit = 1;
      function strict() { "use strict"; return this }
      class Real { method() { return this } static s = (() => this)() }
      module.exports = {
        octal, text, reserved: interface + package.private, same: same(1, 2, 3), global: global(), own: own.call({ x: 1 }),
        fact: fact(4), deleted: [delete octal, delete __implicit, typeof __implicit], strict: strict(),
        method: (0, new Real().method)(),
      }`,
  });
  assert.deepEqual(exports, {
    octal: 8,
    text: "A",
    reserved: 6,
    same: [3, 2],
    global: true,
    own: 1,
    fact: 24,
    deleted: [false, true, "undefined"],
    strict: undefined,
    method: undefined,
  });
});

Deno.test("transformFile() refuses with, which strict code cannot have", async () => {
  assert.match((await failure("\nwith (a) { b }", "index.js")).message, /^\/index\.js: Cannot use 'with'.* \(2:0\)/);
});

Deno.test("transformFile() refuses await at the top level, where nothing could wait for it", async () => {
  const { message } = await failure("import { a } from 'pg'\nawait a");
  assert.match(message, /^\/index\.ts: Cannot use 'await' at the top level: setupPlugin may \(2:0\)/);
  assert.match(await compile("export const f = async () => { await 1 }"), /await 1/);
});

Deno.test("transformFile() drops the line that makes a file a program", async () => {
  assert.equal(await compile("#!/usr/bin/env node\nlet a", "index.js"), "let a;");
});

Deno.test("PL-05 a syntax error names file, line and column and shows the line, without colours", async () => {
  const { message, line, column, name } = await failure("import { PluginEvent } f");
  assert.equal(name, "SyntaxError");
  assert.match(
    message,
    /^\/index\.ts: Unexpected token, expected "from" \(1:23\)\n\n> 1 \| import \{ PluginEvent \} f\n/,
  );
  assert.deepEqual([line, column], [1, 23]);
  assert.ok(!message.includes("\x1b"));
  assert.match(
    (await failure("export const scene = {\n", "src/a.js")).message,
    /^\/src\/a\.js: Unexpected token \(2:0\)/,
  );
});

Deno.test("transformFile() reads JavaScript as JavaScript, and as TypeScript when it is that", async () => {
  const { exports } = await runCompiled({
    "index.js": "const f = (...args) => args, a = 1, b = 2, c = 3, d = 4; exports.got = f(a<b,c>(d))",
  });
  assert.deepEqual(exports["got"], [true, false]);
  const typed = await runCompiled({ "index.js": "import { X } from 'nowhere'; export const x: number = 1 as X" });
  assert.equal(typed.exports["x"], 1);
});

Deno.test("transformFile() drops imports that JavaScript does not use as values", async () => {
  assert.doesNotMatch(
    await compile("import { PluginEvent } from './types'; export const a = 1", "index.js"),
    /require/,
  );
});

Deno.test("transformFile() tells a script from a module by its text", async () => {
  assert.doesNotMatch(await compile("function processEvent() {}", "index.js"), /__esModule/);
  assert.match(await compile("export function processEvent() {}", "index.js"), /__esModule/);
});

Deno.test("transformFile() fails with a TransformError on code that nests too deep to read", async () => {
  const error = await failure("[".repeat(100_000), "index.js");
  assert.match(error.message, /stack|Unexpected token/i);
});
