/**
 * Proves that events of one `distinct_id` stay in order while others run at the same time, and that plugins sharing a
 * sandbox share no event objects. The plugin awaits real timers, so that a wrong order would show.
 */

import assert from "node:assert/strict";
import { eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

/** A plugin that notes when it starts and ends with an event, and waits in between for as long as the event says. */
const NOTING = `const notes = [];
  exports.processEvent = async (event, { cache }) => {
    if (event.event === 'report') return { ...event, notes: notes.splice(0) };
    notes.push('+' + event.event);
    if (event.properties.wait) await cache.get(event.properties.wait);
    notes.push('-' + event.event);
    return event;
  }`;

const slowCell = () =>
  new RawCell({ "cache.get": ([ms]) => new Promise((resolve) => setTimeout(resolve, Number(ms))) });

function note(event: string, distinct_id: string, wait = 0) {
  return eventOf({ event, distinct_id, properties: { wait } });
}

async function notes(cell: RawCell): Promise<string[]> {
  const { event } = await cell.process(eventOf({ event: "report", distinct_id: "reporter" }));
  return event?.["notes"] as string[];
}

Deno.test("events keep the order of their distinct_id", async (t) => {
  await using cell = slowCell();
  await cell.load([pluginOf(NOTING)]);

  await t.step("one id: one after the other", async () => {
    await cell.batch([note("a", "1", 60), note("b", "1"), note("c", "1", 20), note("d", "1")]);
    assert.deepEqual(await notes(cell), ["+a", "-a", "+b", "-b", "+c", "-c", "+d", "-d"]);
  });

  await t.step("different ids: at the same time", async () => {
    await cell.batch([note("a", "1", 120), note("b", "2", 10), note("c", "3")]);
    assert.deepEqual(await notes(cell), ["+a", "+b", "+c", "-c", "-b", "-a"]);
  });

  await t.step("across batches in flight", async () => {
    await Promise.all([
      cell.batch([note("a", "1", 60), note("x", "2")]),
      cell.batch([note("b", "1"), note("y", "2")]),
      cell.batch([note("c", "1")]),
    ]);
    const seen = await notes(cell);
    assert.deepEqual(seen.filter((each) => /[abc]/.test(each)), ["+a", "-a", "+b", "-b", "+c", "-c"]);
    assert.ok(seen.indexOf("-y") < seen.indexOf("-a"), seen.join());
  });

  await t.step("a thousand events of one id that need no waiting", async () => {
    const events = Array.from({ length: 1000 }, (_, index) => note(String(index), "1", index === 0 ? 5 : 0));
    await cell.batch(events);
    const started = (await notes(cell)).filter((each) => each.startsWith("+"));
    assert.deepEqual(started, events.map((_, index) => `+${index}`));
  });

  await t.step("what a failed or timed out event holds up goes on", async () => {
    await cell.load([pluginOf(`const seen = []; exports.processEvent = (event) => { seen.push(event.event);
      if (event.event === 'never') return new Promise(() => {}); if (event.event === 'throws') throw new Error('x');
      event.seen = [...seen]; return event }`)], { deadlineMs: 100 });
    const answer = await cell.batch([note("never", "1"), note("throws", "1"), note("fine", "1")]);
    assert.deepEqual(answer.outcomes, ["ffo"]);
    assert.deepEqual((answer.events[2] as { seen: string[] }).seen, ["never", "throws", "fine"]);
  });
});

Deno.test("a chain of plugins in one sandbox", async (t) => {
  await using cell = slowCell();

  await t.step("each gets what the one before it returned; a dropped event is skipped by the rest", async () => {
    const add = (id: string) =>
      pluginOf(
        `exports.processEvent = (e) => {
      if (e.event === 'drop ${id}') return null; if (e.event === 'throw ${id}') { e.path += '!'; throw new Error('${id}') }
      e.path = (e.path ?? '') + '${id}'; return e }`,
        { pluginConfigId: id.charCodeAt(0) },
      );
    await cell.load([add("a"), add("b"), add("c")]);
    const names = ["fine", "drop b", "throw b", "drop a"];
    const answer = await cell.batch(
      names.map((event, id) => eventOf({ event, distinct_id: String(id) })),
      "processEvent",
      [0, 1, 2],
    );
    assert.deepEqual(answer.outcomes, ["oood", "odfs", "osos"]);
    assert.deepEqual(answer.events.map((event) => (event as { path: string } | undefined)?.path), [
      "abc",
      undefined,
      "a!c",
      undefined,
    ]);
    assert.deepEqual(answer.errors.map(({ event, plugin, error }) => [event, plugin, error.message]), [[2, 1, "b"]]);
  });

  await t.step("no plugin holds an object that another one works on", async () => {
    await cell.load([
      pluginOf(
        `let kept; exports.processEvent = (e) => { if (kept) e.leaked = kept.properties.secret; kept = e; return e }`,
        { pluginConfigId: 1 },
      ),
      pluginOf(
        `exports.processEvent = async (e, { cache }) => { e.properties.secret = 'theirs'; await cache.get(1); return e }`,
        { pluginConfigId: 2 },
      ),
    ]);
    await cell.batch([eventOf()], "processEvent", [0, 1]);
    const answer = await cell.batch([eventOf()], "processEvent", [0, 1]);
    assert.equal((answer.events[0] as { leaked?: string }).leaked, undefined);
  });

  await t.step("what one plugin changes in shared things, another does not see", async () => {
    await cell.load([
      pluginOf(
        `const tries = [() => { globalThis.leak = 1 }, () => { Object.prototype.leak = 1 }, () => { URL.leak = 1 },
          () => { Buffer.leak = 1 }, () => { Buffer.prototype.leak = 1 }, () => { fetch.leak = 1 }, () => { console.leak = 1 },
          () => { RetryError.prototype.leak = 1 }, () => { Response.prototype.leak = 1 }, () => { Float64Array.prototype.leak = 1 },
          () => { require('crypto').leak = 1 }, () => { require('crypto').createHash = () => 1 }, () => { require('url').URL.leak = 1 },
          () => { require('stream').PassThrough.prototype.leak = 1 }, () => { require('zlib').Gzip.prototype.leak = 1 },
          () => { Object.getPrototypeOf(Object.getPrototypeOf(require('stream').PassThrough.prototype)).constructor.leak = 1 },
          () => { require('pg').defaults.leak = 1 }, () => { require('pg').Client.prototype.leak = 1 }, () => { require('generic-pool').leak = 1 }];
        exports.processEvent = (e) => { for (const attempt of tries) try { attempt() } catch {} return e }`,
        { pluginConfigId: 1 },
      ),
      pluginOf(
        `exports.processEvent = (e) => { e.seen = [globalThis.leak, {}.leak, URL.leak, Buffer.leak, Buffer.from('').leak, fetch.leak, console.leak,
          new RetryError().leak, new Response().leak, new Float64Array(1).leak, require('crypto').leak,
          require('crypto').createHash('sha256').update('x').digest('hex').slice(0, 8), require('url').URL.leak,
          new (require('stream').PassThrough)().leak, require('zlib').createGzip().leak,
          Object.getPrototypeOf(Object.getPrototypeOf(require('stream').PassThrough.prototype)).constructor.leak,
          require('pg').defaults.leak, require('pg').Client.prototype.leak, require('generic-pool').leak].filter((each) => each !== undefined); return e }`,
        { pluginConfigId: 2 },
      ),
    ]);
    const answer = await cell.batch([eventOf()], "processEvent", [0, 1]);
    assert.deepEqual((answer.events[0] as { seen: unknown[] }).seen, ["2d711642"]);
  });
});
