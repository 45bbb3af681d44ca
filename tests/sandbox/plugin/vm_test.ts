/**
 * What a plugin's functions can do in the sandbox: PostHog's own cases for its plugin VM.
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { eventOf, pluginOf } from "../../kit/cells/raw_cell.ts";
import { compiledPlugin, openServedCell } from "../../kit/cells/sandbox_kit.ts";
import type { RawCell } from "../../kit/cells/raw_cell.ts";

/** Loads one plugin without errors, runs its setup, and returns what it can do. */
async function load(
  cell: RawCell,
  code: string,
  more: Parameters<typeof compiledPlugin>[1] & { allow?: string[] } = {},
) {
  const { allow = [], ...spec } = more;
  const [result] = await cell.load([await compiledPlugin(code, spec)], { egressAllow: allow });
  assert.ok(result !== undefined && "capabilities" in result, JSON.stringify(result));
  if (result.capabilities.methods.includes("setupPlugin")) {
    assert.deepEqual(await cell.call({ type: "method", name: "setupPlugin" }), { ok: true });
  }
  return result.capabilities;
}

async function eventName(cell: RawCell): Promise<unknown> {
  const { outcome, event, error } = await cell.process();
  assert.equal(outcome, "o", error?.message ?? "");
  return event?.["event"];
}

Deno.test("a plugin's functions are found and called", async (t) => {
  await using served = await openServedCell();
  const { cell } = served;

  await t.step("VM-01 empty plugins load and can do nothing", async () => {
    assert.deepEqual(await load(cell, ""), { methods: [], scheduled_tasks: [], jobs: [] });
  });

  await t.step("VM-02 setupPlugin sync", async () => {
    await load(
      cell,
      `export function setupPlugin(meta) { meta.global.data = 'haha' }
       export function processEvent(event, meta) { event.event = meta.global.data; return event }`,
    );
    assert.equal(await eventName(cell), "haha");
  });

  await t.step("VM-03 setupPlugin async is waited for", async () => {
    await load(
      cell,
      `export async function setupPlugin({ global, cache }) { await cache.get('x'); global.data = 'later' }
       export function processEvent(event, meta) { event.event = meta.global.data; return event }`,
    );
    assert.equal(await eventName(cell), "later");
  });

  await t.step("VM-05 processEvent sync", async () => {
    await load(cell, `export function processEvent(event) { event.event = event.event.toUpperCase(); return event }`);
    assert.equal(await eventName(cell), "DEFAULT EVENT");
  });

  await t.step("VM-06 async processEvent", async () => {
    await load(cell, `export async function processEvent(event) { event.event += '!'; return event }`);
    assert.equal(await eventName(cell), "default event!");
  });

  await t.step("VM-07 processEventBatch alone makes processEvent", async () => {
    const { methods } = await load(
      cell,
      `export function processEventBatch(events) { return events.map((e) => ({ ...e, event: 'batched' })) }`,
    );
    assert.ok(methods.includes("processEvent"));
    assert.equal(await eventName(cell), "batched");
  });

  await t.step("VM-08 async processEventBatch", async () => {
    await load(cell, `export async function processEventBatch(events) { events[0].event = 'later'; return events }`);
    assert.equal(await eventName(cell), "later");
  });

  await t.step("VM-09 processEvent wins over processEventBatch", async () => {
    await load(
      cell,
      `export function processEventBatch(events) { events[0].event = 'batch'; return events }
       export function processEvent(event) { event.event = 'single'; return event }`,
    );
    assert.equal(await eventName(cell), "single");
  });

  await t.step("VM-10 processEvent without returning drops the event", async () => {
    await load(cell, `export function processEvent(event) { event.event = 'changed' }`);
    const { outcome, event } = await cell.process();
    assert.deepEqual([outcome, event], ["d", undefined]);
  });

  await t.step("VM-11 async processEvent may wait before and after it changes the event", async () => {
    await load(
      cell,
      `export async function processEvent(event, { cache }) {
         await cache.get('x'); event.event = 'changed'; await cache.get('y'); return event }`,
    );
    assert.equal(await eventName(cell), "changed");
  });

  for (
    const [name, code] of [
      ["VM-12 module.exports = {…}", `module.exports = { processEvent: f }`],
      ["VM-13 module.exports.x =", `module.exports.processEvent = f`],
      ["VM-14 exports = {…}", `exports = { processEvent: f }`],
      ["VM-15 exports.x =", `exports.processEvent = f`],
      ["a bare function, nothing exported", `function processEvent(event) { return f(event) }`],
    ] as const
  ) {
    await t.step(name, async () => {
      await load(cell, `function f(event) { event.event = 'found'; return event }; ${code}`);
      assert.equal(await eventName(cell), "found");
    });
  }

  await t.step("bare functions count only when nothing at all is exported", async () => {
    const { methods } = await load(cell, `function processEvent(event) { return event }; exports.other = 1`);
    assert.deepEqual(methods, []);
  });

  await t.step("VM-17 export default", async () => {
    const { methods } = await load(cell, `async function onEvent() {}; export default { onEvent }`);
    assert.deepEqual(methods, ["onEvent"]);
  });

  await t.step("an undeclared name can be assigned to", async () => {
    await load(
      cell,
      `counter = 1; function processEvent(event) { counter++; event.event = String(counter); return event }`,
    );
    assert.equal(await eventName(cell), "2");
  });

  await t.step("globals are what JavaScript makes of them, and can be shadowed and replaced", async () => {
    await load(
      cell,
      `const fetch = require('node-fetch'); const Math = { floor: () => 'mine' }; globalThis.added = 1; JSON = { stringify: () => 'mine too' }
       class Later extends Date {}
       function processEvent(event) { event.seen = [Math.floor(1.5), added, JSON.stringify(1), typeof fetch, new Date().constructor === Date,
         new Later(5).getTime(), [] instanceof Array, global === globalThis, typeof undefined]; return event }`,
    );
    const { event } = await cell.process();
    assert.deepEqual(event?.["seen"], [
      "mine",
      1,
      "mine too",
      "function",
      true,
      5,
      true,
      true,
      "undefined",
    ]);
  });

  await t.step("files of a plugin require each other and JSON", async () => {
    const [result] = await cell.load([
      pluginOf("", {
        main: "src/index.js",
        files: {
          "src/index.js":
            `const { name } = require('/src/name.js'); exports.processEvent = (e) => ({ ...e, event: name })`,
          "src/name.js": `exports.name = require('/data.json').name`,
          "data.json": `{"name": "from JSON"}`,
        },
      }),
    ]);
    assert.ok(result && "capabilities" in result);
    assert.equal(await eventName(cell), "from JSON");
  });
});

Deno.test("meta has what a plugin needs", async (t) => {
  await using served = await openServedCell();
  const { cell, services } = served;

  await t.step("VM-18 meta.config, and meta has exactly its keys", async () => {
    await load(
      cell,
      `export function processEvent(e, meta) { e.properties = { ...meta.config, keys: Object.keys(meta).sort() }; return e }`,
      {
        config: { key: "value", nested: { a: [1] } },
      },
    );
    const { event } = await cell.process();
    assert.deepEqual(event?.["properties"], {
      key: "value",
      nested: { a: [1] },
      keys: ["attachments", "cache", "config", "geoip", "global", "jobs", "storage", "utils"],
    });
  });

  const counted = async (cell: RawCell) => (await cell.process()).event?.["event"];
  const counter = (code: string) => `
    export async function setupPlugin({ cache, storage }) { ${code.split("---")[0]} }
    export async function processEvent(event, { cache, storage }) { ${code.split("---")[1]}; return event }`;

  await t.step("VM-19 meta.cache set/get", async () => {
    await load(
      cell,
      counter(
        `await cache.set('c', 0) --- const n = await cache.get('c', 999); await cache.set('c', n + 1); event.event = String(n + 1)`,
      ),
    );
    assert.deepEqual([await counted(cell), await counted(cell), await counted(cell)], ["1", "2", "3"]);
  });

  await t.step("VM-20 meta.storage set/get/del", async () => {
    await load(
      cell,
      counter(
        `await storage.set('c', -1); await storage.set('c', null); await storage.set('d', 2); await storage.del('d')
      --- const n = await storage.get('c', 999); await storage.set('c', n + 1); event.event = String(n + 1); event.d = await storage.get('d', null)`,
      ),
    );
    assert.deepEqual([await counted(cell), await counted(cell), (await cell.process()).event?.["d"]], ["1", "2", null]);
  });

  await t.step("VM-21 meta.cache expire", async () => {
    await load(
      cell,
      counter(
        `await cache.set('e', 0) --- const n = await cache.get('e', 0); await cache.set('e', n + 1); await cache.expire('e', 1); event.event = String(n + 1)`,
      ),
    );
    assert.deepEqual([await counted(cell), await counted(cell)], ["1", "2"]);
    services.time += 1200;
    assert.equal(await counted(cell), "1");
  });

  await t.step("VM-22 meta.cache set ttl", async () => {
    await load(
      cell,
      counter(
        `await cache.set('t', 0) --- const n = await cache.get('t', 0); await cache.set('t', n + 1, 1); event.event = String(n + 1)`,
      ),
    );
    assert.deepEqual([await counted(cell), await counted(cell)], ["1", "2"]);
    services.time += 1200;
    assert.equal(await counted(cell), "1");
  });

  await t.step("VM-23 meta.cache incr", async () => {
    await load(cell, counter(`await cache.set('i', 0) --- event.event = String(await cache.incr('i'))`));
    assert.deepEqual([await counted(cell), await counted(cell), await counted(cell)], ["1", "2", "3"]);
  });

  await t.step("VM-24 meta.cache lpush/lrange/llen", async () => {
    await load(
      cell,
      counter(`--- await cache.lpush('l', 'mylistelement'); await cache.lpush('l', ['el1', 'el2']);
      event.list = await cache.lrange('l', 0, 3); event.length = await cache.llen('l'); await cache.expire('l', 0); event.gone = await cache.lrange('l', 0, 3)`),
    );
    const { event } = await cell.process();
    assert.deepEqual([event?.["list"], event?.["length"], event?.["gone"]], [["el2", "el1", "mylistelement"], 3, []]);
  });

  await t.step("VM-25 meta.cache lrem/lpop", async () => {
    await load(
      cell,
      counter(`--- await cache.lpush('m', ['1', '2', '3']); event.popped = await cache.lpop('m', 1);
      event.left = await cache.lrange('m', 0, 3); event.removed = await cache.lrem('m', 1, '2'); event.last = await cache.lrange('m', 0, 3)`),
    );
    const { event } = await cell.process();
    assert.deepEqual(
      [event?.["popped"], event?.["left"], event?.["removed"], event?.["last"]],
      [["3"], ["2", "1"], 1, ["1"]],
    );
  });

  await t.step("cache refuses what PostHog's refused, in its words", async () => {
    const code = `const said = [];
      for (const call of [() => cache.lpush('x', 5), () => cache.lpush('x', Array(1001).fill('a')), () => cache.lrange('x', '0', 1),
        () => cache.lrem('x', '1', 'a'), () => cache.lpop('x'), () => cache.set('x', undefined), () => cache.set('x', 5, 0, { jsonSerialize: false })]) {
        try { await call(); said.push('no error') } catch (error) { said.push(error.message) }
      }
      await cache.set('raw', '{broken', 0, { jsonSerialize: false });
      event.said = said; event.values = [await cache.get('raw'), await cache.get('raw', 1, { jsonSerialize: false }), await cache.get('none', 7)]`;
    await load(cell, counter(`--- ${code}`));
    const { event } = await cell.process();
    assert.deepEqual(event?.["said"], [
      "cache.lpush expects a string value or an array of strings",
      "Too many elements in array for cache.lpush. Maximum: 1000",
      "cache.lrange expects a number for the start and end indexes",
      'cache.lrem expects a number for the "count" argument',
      'cache.lpop expects a number for the "count" argument',
      "no error",
      "Cannot set cache key 'x': expected a string with jsonSerialize: false, found number",
    ]);
    assert.deepEqual(event?.["values"], [null, "{broken", 7]);
  });

  await t.step("utils.cursor counts, and starts at what it is told", async () => {
    await load(
      cell,
      `export async function processEvent(e, { utils: { cursor } }) {
      await cursor.init('a', 5); await cursor.init('a', 9);
      e.counts = [await cursor.increment('a'), await cursor.increment('a', 0), await cursor.increment('b', 3)];
      try { await cursor.init('c', 'x') } catch (error) { e.said = error.message }
      return e }`,
    );
    const { event } = await cell.process();
    assert.deepEqual([event?.["counts"], event?.["said"]], [[6, 7, 3], "The cursor's initial value must be a number!"]);
  });

  await t.step("VM-31 attachments", async () => {
    await load(
      cell,
      `export function processEvent(e, { attachments: { logo } }) {
      e.logo = { ...logo, contents: [logo.contents.toString('utf8'), Buffer.isBuffer(logo.contents)] }; return e }`,
      {
        attachments: {
          logo: { content_type: "text/plain", file_name: "a.txt", contents: Buffer.from("héllo").toString("base64") },
        },
      },
    );
    const { event } = await cell.process();
    assert.deepEqual(event?.["logo"], { content_type: "text/plain", file_name: "a.txt", contents: ["héllo", true] });
  });

  await t.step("jobs are enqueued with their time; months have 30 days; unknown units reject", async () => {
    await load(
      cell,
      `export async function processEvent(e, { jobs }) {
      await jobs.a({ x: 1 }).runAt(new Date('2030-01-01T00:00:00Z')); await jobs.b().runIn(1, 'month');
      try { await jobs.c().runIn(1, 'ms') } catch (error) { e.said = error.message }
      e.then = typeof (await jobs).anything; return e }`,
    );
    const before = Date.now();
    const { event, error } = await cell.process();
    assert.equal(error, undefined);
    assert.deepEqual([event?.["said"], event?.["then"]], ["Unknown time unit: ms", "function"]);
    const { results } = await services.store.jobs.list({ pluginConfigId: 39, limit: 10 });
    const [a, b] = results.toSorted((x, y) => x.type < y.type ? -1 : 1);
    assert.deepEqual([a?.type, a?.payload, a?.runAt], ["a", { x: 1 }, Date.UTC(2030, 0, 1)]);
    assert.ok(b!.runAt >= before + 30 * 86_400_000 && b!.runAt < Date.now() + 30 * 86_400_000 + 1000);
  });
});

Deno.test("VM-26 console.log writes one entry", async () => {
  await using served = await openServedCell();
  const { cell } = served;
  await load(
    cell,
    `export async function processEvent(event) { await console.log(event.event); return event }
    export function teardownPlugin() {}`,
  );
  await cell.process();
  await cell.call({ type: "method", name: "teardownPlugin" });
  assert.deepEqual(
    cell.logs.map(({ plugin, source, type, message }) => ({ plugin, source, type, message })),
    [{ plugin: 0, source: "CONSOLE", type: "LOG", message: "default event" }],
  );
});

Deno.test("plugins fetch, schedule, capture and see events after they were processed", async (t) => {
  await using served = await openServedCell();
  const { cell, services } = served;
  const asked: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    asked.push(new URL(request.url).pathname);
    return Response.json({ hello: "world" });
  });
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const allow = [`127.0.0.1:${server.addr.port}`];

  for (
    const [name, code] of [
      ["VM-27 fetch", ``],
      ["VM-28 fetch via import", `import fetch from 'node-fetch';`],
      ["VM-29 fetch via require", `const fetch = require('node-fetch');`],
    ] as const
  ) {
    await t.step(name, async () => {
      await load(
        cell,
        `${code} export async function processEvent(e) { e.got = await (await fetch('${origin}/x')).json(); return e }`,
        { allow },
      );
      assert.deepEqual((await cell.process()).event?.["got"], { hello: "world" });
    });
  }

  await t.step("VM-04 teardownPlugin", async () => {
    await load(
      cell,
      `export function processEvent(e, meta) { meta.global.last = e.event; return e }
      export async function teardownPlugin(meta) { await fetch('${origin}/last/' + meta.global.last) }`,
      { allow },
    );
    await cell.process(eventOf({ event: "one" }));
    await cell.process(eventOf({ event: "two" }));
    assert.ok(!asked.includes("/last/two"));
    assert.deepEqual(await cell.call({ type: "method", name: "teardownPlugin" }), { ok: true });
    assert.ok(asked.includes("/last/two"));
  });

  for (const [name, fn] of [["VM-16 VM-37", "onEvent"], ["VM-38", "onSnapshot"]] as const) {
    await t.step(`${name} ${fn}`, async () => {
      await load(
        cell,
        `export const ${fn} = async (e) => { await fetch('${origin}/${fn}/' + e.event); return 'ignored' }`,
        { allow },
      );
      const answer = await cell.batch([eventOf({ event: "seen" })], fn);
      assert.deepEqual([answer.outcomes, answer.lengths], [["o"], [0]]);
      assert.ok(asked.includes(`/${fn}/seen`));
    });
  }

  await t.step("VM-32 runEvery in source order", async () => {
    const { scheduled_tasks } = await load(
      cell,
      `
      export function runEveryMinute() { return 'm' }; export function runEveryHour() {}; export async function runEveryDay() {}`,
    );
    assert.deepEqual(scheduled_tasks, ["runEveryMinute", "runEveryHour", "runEveryDay"]);
    assert.deepEqual(await cell.call({ type: "task", name: "runEveryMinute" }), { ok: true, value: "m" });
  });

  await t.step("VM-33 runEvery must be a function", async () => {
    const { scheduled_tasks } = await load(
      cell,
      `
      export function runEveryMinute() {}; export const runEveryHour = false; export const runEveryDay = {}`,
    );
    assert.deepEqual(scheduled_tasks, ["runEveryMinute"]);
  });

  await t.step("VM-34 VM-35 VM-36 posthog in runEvery", async () => {
    await load(
      cell,
      `export async function runEveryMinute() {
      await posthog.capture('my-new-event', { random: 1, timestamp: '2021-01-01T00:00:00.000Z', distinct_id: 'custom id' }); return 'haha' }`,
    );
    assert.deepEqual(await cell.call({ type: "task", name: "runEveryMinute" }), { ok: true, value: "haha" });
    const [captured] = await services.captured();
    const { event } = captured!;
    assert.deepEqual([event["event"], event["distinct_id"]], ["my-new-event", "custom id"]);
    assert.equal(event["timestamp"], "2021-01-01T00:00:00.000Z");
  });

  await t.step("VM-46 imports give the module", async () => {
    await load(
      cell,
      `import jwt from 'jsonwebtoken'; import * as all from 'jsonwebtoken';
      export function processEvent(e) { e.ok = 'sign' in jwt && all === jwt; return e }`,
    );
    assert.equal((await cell.process()).event?.["ok"], true);
  });

  await t.step("jobs run with payload and meta; without payload by what they declare", async () => {
    const { jobs } = await load(
      cell,
      `export const jobs = {
      both: (payload, meta) => [payload, typeof meta.cache], one: (meta) => typeof meta.cache, alias: 'aliased', broken: 5 };
      export function aliased(payload) { return payload }`,
    );
    assert.deepEqual(jobs, ["both", "one", "alias", "broken"]);
    const run = (name: string, payload?: unknown) =>
      cell.call({ type: "job", name, ...(payload === undefined ? {} : { payload }) });
    assert.deepEqual(await run("both", { a: 1 }), { ok: true, value: [{ a: 1 }, "object"] });
    assert.deepEqual(await run("both"), { ok: true, value: [null, "object"] });
    assert.deepEqual(await run("one"), { ok: true, value: "object" });
    assert.deepEqual(await run("alias", "x"), { ok: true, value: "x" });
    assert.equal((await run("broken")).ok, false);
    assert.equal((await run("none")).ok, false);
  });
});
