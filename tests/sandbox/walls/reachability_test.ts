/**
 * Walks everything that a plugin can reach, as a plugin: through properties, getters, prototypes, constructors, modules
 * and the objects that they make.
 * @module
 */

import assert from "node:assert/strict";
import { pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

/**
 * The walker: ends up with names found, and whether any object reached is a global scope, a module loader or a process.
 */
const WALKER = `
const NAMES = /^(setTimeout|setInterval|setImmediate|kill|_kill|exit|reallyExit|binding|dlopen|_linkedBinding|getBuiltinModule|chdir|` +
  `createServer|createConnection|spawn|spawnSync|execSync|execFile|fork|readFileSync|openSync|runInThisContext|compileFunction|_load|createRequire|` +
  `registerHooks|postMessage|importScripts|MessageChannel|BroadcastChannel|Worker|SharedArrayBuffer|Atomics|WebAssembly|WebSocket|EventSource|` +
  `Deno|process|mainModule|openKv|caches|navigator|queueMicrotask|nextTick|addSignalListener|createHttpClient|createObjectURL)$/;
async function roots(meta) {
  const modules = ['crypto', 'url', 'zlib', 'stream', 'generic-pool', 'pg', 'node-fetch', '@posthog/plugin-scaffold', '@posthog/plugin-contrib', 'jsonwebtoken'];
  const roots = { globalThis, meta, require };
  for (const name of modules) roots[name] = require(name);
  const pool = require('generic-pool').createPool({ create: async () => ({}), destroy: async () => {} }, { evictionRunIntervalMillis: 60000 });
  await pool.acquire();
  const { Client, Pool } = require('pg');
  const client = new Client({ host: '10.0.0.1' });
  const refused = await client.connect().catch((error) => error);
  const aborted = new AbortController();
  let abortEvent; aborted.signal.addEventListener('abort', (event) => { abortEvent = event }); aborted.abort();
  const buffer = require('@posthog/plugin-contrib').createBuffer({ limit: 10, onFlush() {} }); buffer.add({}, 1);
  const response = new Response(new (require('stream').PassThrough)());
  const failures = [];
  for (const fail of [() => null.x, () => new URL('::'), () => atob('*'), () => structuredClone(() => {}), () => require('fs'), () => JSON.parse('{')]) {
    try { fail() } catch (error) { failures.push(error) }
  }
  for (const fail of [fetch('file:///'), fetch('http://10.0.0.1/'), meta.cache.lpush('x', 1)]) failures.push(await fail.catch((error) => error));
  return { ...roots, pool, client, refused, abortEvent, buffer, response, body: response.body, request: new Request('http://a/'),
    pgPool: new Pool({}), hash: require('crypto').createHash('sha1'), gzip: require('zlib').createGzip(), pass: new (require('stream').PassThrough)(),
    failures, blob: new Blob(['x']), form: new FormData(), bytes: Buffer.from('x'), job: meta.jobs.any({}), promise: meta.cache.get('x').catch(() => {}),
    iterators: [new Headers().entries(), new URLSearchParams().entries(), [][Symbol.iterator](), (function* () {})(), (async function* () {})()],
    fn: async () => {}, clock: typeof __hogpen_loop === 'undefined' ? undefined : __hogpen_loop, self: (function () { return this })() };
}
exports.processEvent = async (event, meta) => {
  const found = new Set(), open = new Set(); const seen = new Set(); const queue = [];
  const add = (path, value) => {
    if (((typeof value !== 'object' || value === null) && typeof value !== 'function') || seen.has(value)) return;
    seen.add(value); queue.push([path, value]);
  };
  for (const [name, value] of Object.entries(await roots(meta))) add(name, value);
  for (let at = 0; at < queue.length && at < 200000; at++) {
    const [path, value] = queue[at];
    add(path + '.__proto__', Object.getPrototypeOf(value));
    if (value instanceof Uint8Array) continue;
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === 'string' && NAMES.test(key) && typeof value[key] !== 'undefined') found.add(path + '.' + key);
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key); if (!descriptor) continue;
      const place = path + '.' + String(key);
      if (/^(crypto|url|zlib|stream|globalThis\\.[A-Z]\\w*|node-fetch|@posthog.plugin-scaffold)(\\.|$)/.test(path) && descriptor.writable && value !== globalThis && value[Symbol.toStringTag] !== 'Module') open.add(place);
      add(place, descriptor.value); add(place + ' get', descriptor.get); add(place + ' set', descriptor.set);
      try { add(place, value[key]) } catch {}
    }
  }
  return { ...event, count: seen.size, found: [...found], open: [...open] };
}`;

Deno.test("nothing that a plugin reaches is a timer, a process, a loader or another global scope", async () => {
  await using cell = new RawCell({ "cache.get": () => null });
  await cell.load([pluginOf(WALKER)]);
  const { outcome, event, error } = await cell.process();
  assert.equal(outcome, "o", error?.message ?? "");
  assert.ok(Number(event?.["count"]) > 3000, `only ${event?.["count"]} objects`);
  // A socket's setTimeout does nothing in the sandbox.
  const found = (event?.["found"] as string[]).filter((path) => !path.endsWith(".stream.__proto__.setTimeout"));
  assert.deepEqual(found, []);
  assert.deepEqual((event?.["open"] as string[]).filter((path) => !path.endsWith("(kCapture)")), []);
});

Deno.test("a socket is no timer", async () => {
  await using cell = new RawCell({ "cache.get": () => new Promise((resolve) => setTimeout(resolve, 50)) });
  await cell.load([pluginOf(`exports.processEvent = async (e, { cache }) => {
    const { stream } = new (require('pg').Client)({}).connection; let fired = false;
    stream.setTimeout(1, () => { fired = true }); stream.on('timeout', () => { fired = true });
    await cache.get('x'); e.fired = fired; return e }`)]);
  assert.equal((await cell.process()).event?.["fired"], false);
});

/** Roads to what is not there, each an expression that must throw, reject or be undefined. */
const ROADS = [
  "Deno",
  "process",
  "self",
  "window",
  "globalThis.Deno",
  "globalThis.process",
  "new Function('return this')().Deno",
  "(0, eval)('this').Deno",
  "eval('this').Deno",
  "(function () { return this })()",
  "(() => {}).constructor('return this')()",
  "(async () => {}).constructor('return this')()",
  "(function* () {}).constructor('return this')()",
  "(async function* () {}).constructor('return this')()",
  "fetch.constructor('return this')()",
  "console.log.constructor('return this')()",
  "URL.constructor('return this')()",
  "require.constructor('return this')()",
  "Reflect.construct(Function, ['return this'])().Deno",
  "[].constructor.constructor('return this')().Deno",
  "Buffer.from.constructor('return process')()",
  "new Error().constructor.constructor('return Deno')()",
  "require.cache",
  "require.main",
  "require.resolve",
  "module.constructor._load",
  "module.require",
  "module.parent",
  "import('node:fs')",
  "import.source('node:fs')",
  "import.defer('node:fs')",
  "eval(\"import('node:fs')\")",
  "new Function(\"return import('node:fs')\")()",
  "new Function(\"return import.source('node:fs')\")()",
  "import('data:text/javascript,export default 1')",
  "import('npm:left-pad')",
  "require('fs')",
  "require('node:fs')",
  "require('timers')",
  "require('timers/promises')",
  "require('node:crypto')",
  "require('crypto/promises')",
  "require('pg/lib/client')",
  "require('worker_threads')",
  "require('child_process')",
  "require('module')",
  "require('./index.js')",
  "require('/etc/passwd')",
  "require('/../../etc/passwd')",
  "require({ toString: (n => () => n++ ? 'fs' : 'url')(0) }).readFileSync",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "AbortSignal.timeout(1)",
  "new AbortController().signal.constructor.timeout(1)",
  "require('pg').Client.prototype.connect.constructor('return setTimeout')()",
  "Object.getPrototypeOf(AbortSignal.prototype).dispatchEvent.call(undefined, new Event('message'))",
  "Object.getPrototypeOf(AbortSignal.prototype).addEventListener.call(undefined, 'message', () => {})",
  "Object.getPrototypeOf(AbortSignal.prototype).addEventListener('message', () => {})",
  "postMessage",
  "onmessage",
  "close",
  "Worker",
  "BroadcastChannel",
  "MessageChannel",
  "SharedArrayBuffer",
  "Atomics",
  "WebAssembly",
  "WebSocket",
  "EventSource",
  "caches",
  "navigator",
  "location",
  "indexedDB",
  "localStorage",
  "performance",
  "Compartment",
  "lockdown",
  "harden",
  "URL.createObjectURL(new Blob(['x']))",
  "structuredClone(new ArrayBuffer(1), { transfer: [] }).constructor.constructor('return Deno')()",
  "new Proxy({}, {}).constructor.constructor('return Deno')()",
  "Error.prepareStackTrace = (e, sites) => sites[0].getThis(), new Error().stack.Deno",
  "Object.prototype.polluted = 1, ({}).polluted",
  "Array.prototype.push = null, null",
  "Date.now = () => 0, null",
];

Deno.test("every road to what is not there is closed", async (t) => {
  await using cell = new RawCell();
  for (const road of ROADS) {
    await t.step(road, async () => {
      const [result] = await cell.load([pluginOf(`exports.processEvent = async (e) => {
        try { const value = await (async () => (${road}))();
          e.said = value === undefined ? 'undefined' : value === null ? 'null' : typeof value } catch (error) { e.said = 'refused' }
        return e }`)]);
      if (result && "error" in result) return assert.equal(result.error.name, "SyntaxError");
      const said = String((await cell.process()).event?.["said"]);
      assert.match(said, road.endsWith(", null") ? /^refused$/ : /^(undefined|refused)$/);
    });
  }
});
