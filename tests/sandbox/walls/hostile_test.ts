/**
 * Proves that thrown values, exports and promises built to break whoever reads them do no harm outside their plugin.
 */

import assert from "node:assert/strict";
import { eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";
import { eventually } from "../../kit/eventually.ts";

Deno.test("whatever a plugin throws is read without harm", async (t) => {
  await using cell = new RawCell();
  const cases: [what: string, thrown: string, name: string, message: string | RegExp][] = [
    ["null", `null`, "Error", "null"],
    ["undefined", `undefined`, "Error", "undefined"],
    ["a string", `'boom'`, "Error", "boom"],
    ["a symbol", `Symbol('s')`, "Error", "Symbol(s)"],
    ["an object", `({ a: 1 })`, "Error", '{"a":1}'],
    ["a message that is an object", `Object.assign(new Error(), { message: { deep: 1 } })`, "Error", /deep/],
    [
      "throwing getters",
      `({ get name() { throw 1 }, get message() { throw 2 }, get stack() { throw 3 } })`,
      "Error",
      "a value that cannot be read",
    ],
    [
      "a proxy that throws at everything",
      `new Proxy({}, new Proxy({}, { get() { throw new Error('trap') } }))`,
      "Error",
      "a value that cannot be read",
    ],
    ["a proxied error", `new Proxy(new RangeError('inner'), {})`, "RangeError", "inner"],
    ["a huge message", `new Error('x'.repeat(5e6))`, "Error", /^x{10000}$/],
    ["a huge name", `Object.assign(new Error('m'), { name: 'N'.repeat(1e5) })`, /^N{200}$/.source, "m"],
    ["a cycle", `(() => { const e = new Error('m'); e.cause = e; return e })()`, "Error", "m"],
    [
      "a stack of someone else",
      `Object.assign(new Error('m'), { stack: 'at (plugin-39/index.js:1:1) '.repeat(1e5) })`,
      "Error",
      "m",
    ],
  ];
  for (const [what, thrown, name, message] of cases) {
    await t.step(what, async () => {
      await cell.load([pluginOf(`exports.processEvent = () => { throw ${thrown} }`)]);
      const { outcome, error } = await cell.process();
      assert.equal(outcome, "f");
      if (name.startsWith("^")) assert.match(error!.name, new RegExp(name));
      else assert.equal(error!.name, name);
      if (typeof message === "string") assert.equal(error!.message, message);
      else assert.match(error!.message, message);
      assert.ok((error!.stack ?? "").length <= 10_000);
    });
  }

  await t.step("a stack names the plugin's own files alone, also to the plugin", async () => {
    await cell.load([pluginOf(`function inner() { return new Error('x') }
      exports.processEvent = (e) => { e.stack = inner().stack; e.text = String(Object.getOwnPropertyNames(Error)); return e }`)]);
    const stack = String((await cell.process()).event?.["stack"]);
    assert.match(
      stack,
      /^Error: x\n {4}at inner \(plugin-39\/index\.js:1:27\)\n {4}at exports\.processEvent \(plugin-39\/index\.js:2:49\)$/,
    );
  });

  await t.step("Error.prepareStackTrace gives no frames to a plugin", async () => {
    await cell.load([pluginOf(`exports.processEvent = (e) => { let seen;
      try { Error.prepareStackTrace = (error, sites) => { seen = sites; return sites } } catch {}
      void new Error('x').stack; e.seen = seen === undefined; return e }`)]);
    assert.equal((await cell.process()).event?.["seen"], true);
  });
});

Deno.test("errors in the background are logged and end nothing", async (t) => {
  await using cell = new RawCell();
  const cases: [what: string, code: string, message: RegExp][] = [
    [
      "an unhandled rejection",
      `Promise.reject(new TypeError('background'))`,
      /^TypeError: background\n {4}at exports\.processEvent \(\/index\.js:1:/,
    ],
    [
      "a rejection with a proxy",
      `Promise.reject(new Proxy({}, { get() { throw 1 } }))`,
      /^Error: a value that cannot be read$/,
    ],
    [
      "a listener that throws a proxy",
      `const c = new AbortController(); c.signal.onabort = () => { throw new Proxy({}, { getPrototypeOf() { throw 1 } }) }; c.abort()`,
      /^Error: \{\}$/,
    ],
    [
      "a callback that throws a revoked proxy",
      `const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); require('zlib').gzip('x', () => { throw proxy })`,
      /^Error: a value that cannot be read$/,
    ],
    ["a rejection with nothing", `Promise.reject()`, /^Error: undefined$/],
    [
      "an error event without listener",
      `new (require('stream').PassThrough)().destroy(new Error('emitted'))`,
      /^Error: emitted/,
    ],
    [
      "a throwing listener",
      `const c = new AbortController(); c.signal.addEventListener('abort', () => { throw new Error('listener') }); c.abort()`,
      /^Error: listener/,
    ],
  ];
  for (const [what, code, message] of cases) {
    await t.step(what, async () => {
      cell.logs.length = 0;
      await cell.load([
        pluginOf(`exports.processEvent = (e) => { if (e.event === 'go') { ${code} } e.seen = true; return e }`),
      ]);
      assert.equal((await cell.process(eventOf({ event: "go" }))).event?.["seen"], true);
      const entry = await eventually("the error is logged", () => cell.logs[0]);
      assert.deepEqual([entry.source, entry.type], ["PLUGIN", "ERROR"]);
      assert.match(entry.message, message);
      assert.equal((await cell.process(eventOf())).outcome, "o");
    });
  }

  await t.step("they belong to the plugin whose file they come from", async () => {
    cell.logs.length = 0;
    await cell.load([
      pluginOf(`exports.processEvent = (e) => e`, { pluginConfigId: 1 }),
      pluginOf(`exports.processEvent = (e) => { Promise.reject(new Error('of the second')); return e }`, {
        pluginConfigId: 2,
      }),
    ]);
    await cell.batch([eventOf()], "processEvent", [0, 1]);
    assert.equal((await eventually("the error is logged", () => cell.logs[0])).plugin, 1);
  });

  await t.step("they do not belong to a neighbour whose file they merely name", async () => {
    cell.logs.length = 0;
    const forged = "Error: x\\n    at f (plugin-2/index.js:1:1)";
    await cell.load([
      pluginOf(
        `exports.processEvent = (e) => { const error = new Error('said'); error.stack = '${forged}'; Promise.reject(error); return e }`,
        { pluginConfigId: 1 },
      ),
      pluginOf(`exports.processEvent = (e) => e`, { pluginConfigId: 2 }),
    ]);
    await cell.batch([eventOf()], "processEvent", [0, 1]);
    const { plugin, message } = await eventually("the error is logged", () => cell.logs[0]);
    assert.equal(plugin, 0);
    assert.match(message, /^\(of one of the plugins that share this process\) Error: said/);
  });
});

Deno.test("hostile exports and promises", async (t) => {
  await using cell = new RawCell();
  for (
    const [what, code] of [
      ["a proxy", `module.exports = new Proxy({}, { ownKeys() { throw new Error('trap') } })`],
      [
        "a throwing getter",
        `Object.defineProperty(exports, 'processEvent', { enumerable: true, get() { throw new Error('trap') } })`,
      ],
    ] as const
  ) {
    await t.step(`${what} as exports fails to load`, async () => {
      const [result] = await cell.load([pluginOf(code)]);
      assert.ok(result && "error" in result);
      assert.equal(result.error.message, "trap");
    });
  }

  for (
    const [what, value, outcome] of [
      ["a thenable that answers twice", `({ then(ok, no) { ok(event); ok(null); no(new Error('x')) } })`, "o"],
      ["a thenable that throws", `({ then() { throw new Error('x') } })`, "f"],
      [
        "a promise with a then of its own, which await does not look at",
        `Object.defineProperty(Promise.resolve(event), 'then', { value(ok) { ok(null); ok(event) } })`,
        "o",
      ],
      ["a getter for then that throws", `({ get then() { throw new Error('x') } })`, "f"],
    ] as const
  ) {
    await t.step(what, async () => {
      await cell.load([pluginOf(`exports.processEvent = (event) => ${value}`)]);
      assert.equal((await cell.process()).outcome, outcome);
    });
  }
});
