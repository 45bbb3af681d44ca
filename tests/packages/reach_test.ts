/**
 * Walks, as a plugin, through all that each package gives it and calls every function there, and asks of everything
 * whether a plugin may hold it. Then the same with one of the two walls taken away: each must be enough.
 * @module
 */

import assert from "node:assert/strict";
import { PROVIDED_MODULES } from "../../runtime/modules.ts";
import { INSTANCES } from "./reach/instances.ts";
import { packageCaller, packageExplorer, realmChanger, realmWalker, walker } from "./reach/reach_plugins.ts";
import { type Explored, reach, type Reached, writeWorkerWithout } from "./reach/reach_cell.ts";

for (const name of PROVIDED_MODULES) {
  const make = INSTANCES[name] ?? "";
  let exploring: Promise<Explored> | undefined;
  const explore = () => exploring ??= reach<Explored>(name, packageExplorer(make));

  Deno.test(`nothing forbidden can be reached through ${name}`, async () => {
    const { objects, found } = (await explore()).walked;
    assert.ok(objects > 10, `only ${objects} objects`);
    assert.deepEqual(found, {});
  });

  Deno.test(`no function of ${name} gives anything forbidden away, whatever it is called with`, async () => {
    const { called } = await explore();
    report(name, called);
    assert.deepEqual(called.found, {});
  });

  Deno.test(`no function of ${name} gives anything forbidden away while the global object is full`, async () => {
    const folder = await Deno.makeTempDir();
    const reached = await reach(name, packageCaller(make), await writeWorkerWithout("emptyGlobal", folder));
    await Deno.remove(folder, { recursive: true });
    assert.ok(reached.functions > 3, `only ${reached.functions} functions`);
    assert.deepEqual(reached.found, {});
  });
}

Deno.test("nothing forbidden can be reached from the Worker's global object", async () => {
  const reached = await reach("url", realmWalker());
  report("the global object", reached);
  assert.deepEqual(reached.found, {});
});

Deno.test("nothing that the Worker's global object leads to can be changed", async () => {
  const { objects, found } = await reach("url", realmChanger());
  assert.ok(objects > 1000, `only ${objects} objects`);
  assert.deepEqual(found, {});
});

Deno.test("the walks know what is forbidden when they see it", async () => {
  const plant = "return { planted: URL.plant() }";
  assert.deepEqual((await reach("url", walker(plant))).found, { "planted.deep": "timers.setTimeout" });
});

/** The counts are what the walk is worth. */
function report(name: string, { objects, functions, calls }: Reached): void {
  console.log(`${name}: ${objects} objects, ${functions} functions, ${calls} calls`);
  assert.ok(functions > 3, `only ${functions} functions`);
}
