/** Proves that the bundled sandbox is the sandbox, and that a cell of it may read one file of it. */

import assert from "node:assert/strict";
import { builtSandbox } from "../../../../host/cells/process/built_sandbox.ts";
import { Cell } from "../../../../host/cells/process/cell.ts";
import { startCellProcess } from "../../../../host/cells/process/cell_process.ts";
import { ProcessWatch } from "../../../../host/cells/process/process_watch.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";
import { eventOf, pluginOf, RawCell } from "../../../kit/cells/raw_cell.ts";

const program = await builtSandbox();
assert(program !== undefined, "deno task test gets the bundler");
const BUILT = ["--allow-net", `--allow-read=${program.readable}`, program.entry];

/** What a plugin finds, with the names of the functions in it, to the third level. */
const NAMES = `
  function namesIn(value, level) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return typeof value
    const name = typeof value === 'function' ? value.name : ''
    if (level === 0) return name
    const found = {}
    for (const key of Reflect.ownKeys(value).map(String).sort()) {
      const { value: each, get } = Object.getOwnPropertyDescriptor(value, key) ?? {}
      found[key] = get ? get.name : namesIn(each, level - 1)
    }
    return { name, found }
  }
  exports.processEvent = (event, meta) => {
    const modules = ['crypto', 'node-fetch', 'stream', 'url', 'zlib'].map((name) => require(name))
    event.properties.names = namesIn({ ...globalThis, globalThis, modules, meta }, 3)
    return event
  }`;

async function namesIn(cell: RawCell): Promise<unknown> {
  await cell.load([pluginOf(NAMES)]);
  const { events, outcomes } = await cell.batch([eventOf()]);
  assert.deepEqual(outcomes, ["o"]);
  return (events[0] as { properties: { names: unknown } }).properties.names;
}

Deno.test("plugins find in the bundled sandbox what they find in its modules, by the same names", async () => {
  await using built = new RawCell({}, ["{}"], BUILT);
  await using modules = new RawCell();
  const names = await namesIn(built);
  assert(JSON.stringify(names).length > 10_000);
  assert.deepEqual(names, await namesIn(modules));
});

Deno.test("a cell of the bundled sandbox loads packages, and shows plugins no stacks but their own", async () => {
  await using cell = new RawCell({}, ["{}"], BUILT);
  await cell.load([
    pluginOf(`const { createPool } = require('generic-pool')
      exports.processEvent = async (event) => event.event === 'fails' ? await fetch('here') : { ...event, event: typeof createPool }`),
  ]);
  const { events, errors } = await cell.batch([eventOf(), eventOf({ event: "fails" })]);
  assert.equal((events[0] as { event: string }).event, "function");
  assert.equal(errors[0]?.error.message, "Only absolute URLs are supported");
  assert.match(errors[0].error.stack ?? "", /^ *at exports\.processEvent \(\/index\.js:2:\d+\)$/);
});

Deno.test("a cell starts from the modules when what was built has been cleared away", async () => {
  await using folder = await temporaryFolder();
  using watch = new ProcessWatch();
  await using cell = new Cell({
    process: startCellProcess({ memoryMb: 256, denyNet: "0.0.0.0/0" }, {
      entry: program.entry,
      readable: [folder.file("worker.mjs")],
    }),
    watch,
    deadlineMs: 10_000,
    memoryBytes: 400e6,
    callService: () => Promise.reject(new Error("It calls none")),
    onLog() {},
  });
  const { plugins: [loaded] } = await cell.load({ plugins: [pluginOf("")], deadlineMs: 10_000, egressAllow: [] });
  assert(loaded !== undefined && "capabilities" in loaded);
});

Deno.test("builtSandbox() gives nothing where it cannot write, and otherwise what was made before", async () => {
  assert.equal(await builtSandbox("/proc/hogpen"), undefined);
  const { mtime } = await Deno.stat(program.entry);
  assert.deepEqual(await builtSandbox(), program);
  assert.deepEqual((await Deno.stat(program.entry)).mtime, mtime);
});

Deno.test("builtSandbox() removes files of more than a day ago, but for those of the newest eight versions", async () => {
  await using folder = await temporaryFolder();
  const ages = { a: 50, b: 49, c: 23, d: 20, e: 19, f: 18, g: 17, h: 16, i: 15, j: 14 };
  for (const [version, hours] of Object.entries(ages)) {
    const [cell, worker] = [folder.file(`cell-${version}.mjs`), folder.file(`worker-${version}.mjs`)];
    for (const path of [cell, worker]) await Deno.writeTextFile(path, "");
    await Deno.utime(worker, new Date(), new Date(Date.now() - hours * 3600 * 1000));
  }
  const made = await builtSandbox(folder.path);
  const left = (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => folder.file(name));
  assert(made !== undefined && left.includes(made.entry));
  const versions = left.flatMap((path) => /\/cell-(\w)\.mjs$/.exec(path)?.[1] ?? []).sort();
  assert.deepEqual(versions, ["c", "d", "e", "f", "g", "h", "i", "j"]);
});
