/** Proves that a plugin is loaded when its packages are there, and that no event passes it meanwhile. */

import assert from "node:assert/strict";
import { PluginState } from "../../../host/cells/plugin_runtime.ts";
import type { PluginPackages } from "../../../host/packages/plugin_packages.ts";
import { eventually } from "../../kit/eventually.ts";
import { openTestRuntime } from "../../kit/test_runtime.ts";

const NEEDY = `
  import { Pool } from "pg";
  export function processEvent(event) {
    event.properties.pool = typeof Pool;
    return event;
  }`;

/** Packages that come when the test says so. */
function heldPackages() {
  const there = Promise.withResolvers<void>();
  const asked: (readonly string[])[] = [];
  const packages: Pick<PluginPackages, "ready"> = {
    async ready(names, { signal, onWait }) {
      asked.push(names);
      if (names.length === 0) return;
      onWait("waiting for pg, which is being fetched");
      await Promise.race([
        there.promise,
        new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true })),
      ]);
    },
  };
  return { packages, asked, arrive: there.resolve };
}

Deno.test("a plugin waits for its packages with the reason, its events with it, and goes on when they are there", async () => {
  const { packages, asked, arrive } = heldPackages();
  await using test = await openTestRuntime({ plugins: [NEEDY], packages });
  const processed = test.process("a");
  await eventually("the plugin waits", () => test.runtime.status(1).reason !== null);
  const { state, reason, pid } = test.runtime.status(1);
  assert.deepEqual([state, reason, pid], [PluginState.Loading, "waiting for pg, which is being fetched", null]);
  arrive();
  assert.equal((await processed).events[0]?.properties["pool"], "function");
  assert.deepEqual([asked, test.runtime.status(1).reason], [[["pg"]], null]);
});

Deno.test("a plugin that waits for its packages is stopped at once", async () => {
  const { packages } = heldPackages();
  const test = await openTestRuntime({ plugins: [NEEDY], packages });
  await eventually("the plugin waits", () => test.runtime.status(1).reason !== null);
  await test[Symbol.asyncDispose]();
  assert.equal(test.runtime.status(1).state, PluginState.Stopped);
});
