/**
 * Proves that a plugin's failures, in setup or on an event, disable or restart that plugin by PostHog's rules and cost
 * no other event.
 */

import assert from "node:assert/strict";
import { PluginCallError, PluginState } from "../../../host/cells/plugin_runtime.ts";
import type { PluginConfigRecord, Store } from "../../../host/store/store.ts";
import type { ErrorRecord } from "../../../runtime/errors.ts";
import { eventually } from "../../kit/eventually.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { openTestRuntime } from "../../kit/test_runtime.ts";

const SEEN = `export function processEvent(event) { event.properties.seen = true; return event }`;

/** Holds the thread where no loop guard reaches. */
const HANG = `/^(a+)+$/.test("a".repeat(50) + "!")`;

/** Does something by the event's name, otherwise marks the event. */
function onAttack(action: string, before = ""): string {
  return `${before}
    export async function processEvent(event) {
      if (event.event === "attack") { ${action} }
      event.properties.seen = true;
      return event;
    }`;
}

Deno.test("createPluginRuntime() passes a batch through the plugin and reports its state", async () => {
  await using test = await openTestRuntime({ plugins: [SEEN] });
  const { outcomes, events } = await test.process("a", "b");
  assert.deepEqual(outcomes, ["oo"]);
  assert.deepEqual(events.map((event) => event?.properties), [{ n: 0, seen: true }, { n: 1, seen: true }]);
  const status = test.runtime.status(1);
  assert.equal(status.state, PluginState.Running);
  assert.deepEqual(status.capabilities?.methods, ["processEvent"]);
  assert.ok(status.pid);
  assert.deepEqual(await test.systemLog(), [
    "Plugin loaded (instance ID test).",
    "setupPlugin succeeded (instance ID test).",
  ]);
});

Deno.test("batch() gives out an event that hangs at its deadline, unmodified and failed, and the plugin works again", async () => {
  await using test = await openTestRuntime({ plugins: [onAttack(HANG)] });
  await test.runtime.ready();
  const start = performance.now();
  const { outcomes, errors, events } = await test.process("attack");
  const took = performance.now() - start;
  assert.ok(took >= 1000, `${took} ms`);
  assert.deepEqual(outcomes, ["f"]);
  assert.match(errors[0]?.error.message ?? "", /a call to processEvent did not return for 1 s/);
  assert.deepEqual(events[0]?.properties, { n: 0 });
  assert.equal((await test.process("normal")).events[0]?.properties["seen"], true);
  const letter = await eventually("the dead letter is stored", async () => {
    return (await test.store.deadLetters.list({ limit: 10 })).results[0];
  });
  assert.equal(letter.consumer, "processEvent:1");
  assert.equal(test.runtime.status(1).restarts.length, 1);
});

Deno.test("batch() finds the one event of a batch that ends the cell, and the others are processed once", async () => {
  await using test = await openTestRuntime({ plugins: [onAttack(HANG)] });
  const { outcomes, events } = await test.process("a", "b", "attack", "c");
  assert.deepEqual(outcomes, ["oofo"]);
  assert.deepEqual(events.map((event) => event?.properties["seen"]), [true, true, undefined, true]);
});

Deno.test("batch() loses nothing to a plugin that leaks memory, and does not disable it", async () => {
  const leak = `const kept = [];
    export function processEvent(event) { kept.push(new Uint8Array(24e6).fill(1)); event.properties.seen = true; return event }`;
  await using test = await openTestRuntime({ plugins: [leak] });
  for (let i = 0; i < 8; i++) {
    const { outcomes } = await test.process("a", "b", "c", "d", "e");
    assert.deepEqual(outcomes, ["ooooo"]);
  }
  const { state, restarts } = test.runtime.status(1);
  assert.equal(state, PluginState.Running);
  assert.ok(restarts.length >= 2, `${restarts.length} restarts`);
});

Deno.test("batch() skips a plugin that was stopped three times for the same reason, and says so", async () => {
  await using test = await openTestRuntime({ plugins: [onAttack(HANG)], config: { timeoutSeconds: 0.2 } });
  for (let i = 0; i < 3; i++) assert.deepEqual((await test.process("attack")).outcomes, ["f"]);
  assert.deepEqual((await test.process("normal")).outcomes, ["s"]);
  const { state, reason } = test.runtime.status(1);
  assert.equal(state, PluginState.Disabled);
  assert.equal(reason, "stopped: a call to processEvent did not return for 0.2 s, 3 times in 10 minutes");
});

Deno.test("setupPlugin is retried after RetryError at 5, 10, 20, 40, 80 s while events wait, then the plugin is disabled", async () => {
  const clock = new FakeClock();
  await using test = await openTestRuntime({
    plugins: [`export function setupPlugin() { throw new RetryError("not yet") } ${SEEN}`],
    clock,
  });
  const waiting = test.process("a");
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    await eventually("setup is to be retried", () => clock.untilNext !== Infinity);
    waits.push(clock.untilNext);
    assert.equal(test.runtime.status(1).state, PluginState.RetryingSetup);
    await clock.advance(clock.untilNext);
  }
  assert.deepEqual(waits, [5_000, 10_000, 20_000, 40_000, 80_000]);
  assert.deepEqual((await waiting).outcomes, ["s"]);
  const log = await test.systemLog();
  assert.equal(
    log[1],
    "setupPlugin failed with RetryError (attempt 1/6): not yet (instance ID test). Retrying in 5 s...",
  );
  assert.equal(
    log.at(-1),
    "setupPlugin failed with RetryError (attempt 6/6): not yet (instance ID test). Disabled the app!",
  );
  assert.equal(test.runtime.status(1).state, PluginState.Disabled);
});

Deno.test("setupPlugin disables the plugin at once when it throws anything but RetryError", async () => {
  await using test = await openTestRuntime({
    plugins: [`export function setupPlugin() { throw new Error("no key") } ${SEEN}`],
  });
  await test.runtime.ready();
  const { state, reason, lastError } = test.runtime.status(1);
  assert.equal(state, PluginState.Disabled);
  assert.equal(reason, "setupPlugin failed with Error: no key (instance ID test). Disabled the app!");
  assert.equal(lastError?.message, "no key");
  assert.deepEqual((await test.process("a")).outcomes, ["s"]);
});

Deno.test("setupPlugin disables the plugin at once when it loops", async () => {
  await using test = await openTestRuntime({
    plugins: [`export async function setupPlugin() { ${HANG} } ${SEEN}`],
    config: { timeoutSeconds: 0.3 },
  });
  await test.runtime.ready();
  assert.equal(test.runtime.status(1).state, PluginState.Disabled);
  assert.match(test.runtime.status(1).reason ?? "", /^setupPlugin failed with TimeoutError/);
});

Deno.test("setupPlugin is tried again when it waits past its deadline, while events pass the plugin by", async () => {
  const clock = new FakeClock();
  await using test = await openTestRuntime({
    plugins: [
      `let tries = 0; export async function setupPlugin() { if (++tries < 3) await new Promise(() => {}) } ${SEEN}`,
    ],
    config: { timeoutSeconds: 0.3 },
    clock,
  });
  await test.runtime.ready();
  const waits: number[] = [];
  while (waits.length < 2) {
    await eventually("setup is to be retried", () => test.runtime.status(1).state === PluginState.RetryingSetup);
    assert.deepEqual((await test.process("a")).outcomes, ["s"]);
    waits.push(clock.untilNext);
    await clock.advance(clock.untilNext);
  }
  await eventually("the plugin runs", () => test.runtime.status(1).state === PluginState.Running);
  assert.deepEqual((await test.process("a")).outcomes, ["o"]);
  assert.deepEqual(waits, [5_000, 10_000]);
  assert.match(
    test.notices.join("\n"),
    /plugin config 1\): setting_up → retrying_setup: setupPlugin failed with TimeoutError/,
  );
});

Deno.test("a plugin whose setup never returns is disabled after the sixth attempt, and does not hold up its neighbour", async () => {
  const clock = new FakeClock();
  await using test = await openTestRuntime({
    plugins: [`export async function setupPlugin() { await new Promise(() => {}) } ${SEEN}`, SEEN],
    config: { timeoutSeconds: 0.2, cell: "both" },
    clock,
  });
  await test.runtime.ready();
  assert.equal(test.runtime.status(2).state, PluginState.Running);
  assert.deepEqual((await test.process("a")).outcomes, ["s", "o"]);
  for (let attempt = 1; attempt < 6; attempt++) {
    await eventually("setup is to be retried", () => test.runtime.status(1).state === PluginState.RetryingSetup);
    await clock.advance(clock.untilNext);
  }
  await eventually("it is given up", () => test.runtime.status(1).state === PluginState.Disabled);
  assert.match(test.runtime.status(1).reason ?? "", /TimeoutError \(attempt 6\/6\)/);
  assert.deepEqual((await test.process("a")).outcomes, ["s", "o"]);
});

Deno.test("createPluginRuntime() disables a plugin whose code cannot be evaluated or never ends", async () => {
  for (const code of [`throw new Error("at load")`, HANG]) {
    await using test = await openTestRuntime({ plugins: [`${code}\n${SEEN}`], config: { timeoutSeconds: 0.3 } });
    await test.runtime.ready();
    assert.equal(test.runtime.status(1).state, PluginState.Disabled);
    assert.deepEqual((await test.process("a")).outcomes, ["s"]);
  }
});

Deno.test("createPluginRuntime() remembers why a plugin was disabled, until its code changes or it is enabled", async () => {
  const hanging = onAttack(HANG);
  const kept: PluginConfigRecord[] = [];
  const keep = async (store: Store) => {
    for (const record of kept) await store.pluginConfigs.put(record);
  };
  {
    await using test = await openTestRuntime({ plugins: [hanging], config: { timeoutSeconds: 0.2 } });
    for (let i = 0; i < 3; i++) await test.process("attack");
    await test.systemLog();
    const record = await test.store.pluginConfigs.get(1);
    assert.ok(record?.disabledReason);
    kept.push(record);
  }
  {
    await using test = await openTestRuntime({ plugins: [hanging], config: { timeoutSeconds: 0.2 }, prepare: keep });
    await test.runtime.ready();
    assert.equal(test.runtime.status(1).reason, kept[0]?.disabledReason);
    assert.equal(test.runtime.status(1).pid, null);
    await test.runtime.enable(1);
    assert.equal(test.runtime.status(1).state, PluginState.Running);
    assert.equal((await test.process("normal")).events[0]?.properties["seen"], true);
  }
  await using test = await openTestRuntime({ plugins: [SEEN], config: { timeoutSeconds: 0.2 }, prepare: keep });
  await test.runtime.ready();
  assert.equal(test.runtime.status(1).state, PluginState.Running);
});

Deno.test("createPluginRuntime({ lazy }) starts the process with the first work, once it is known what the plugin does", async () => {
  const kept: PluginConfigRecord[] = [];
  {
    await using test = await openTestRuntime({ plugins: [SEEN], lazy: true });
    await test.runtime.ready();
    assert.equal(test.runtime.status(1).state, PluginState.Running);
    await test.systemLog();
    kept.push((await test.store.pluginConfigs.get(1))!);
  }
  const prepare = async (store: Store) => {
    for (const record of kept) await store.pluginConfigs.put(record);
  };
  await using test = await openTestRuntime({ plugins: [SEEN], lazy: true, prepare });
  await test.runtime.ready();
  assert.deepEqual([test.runtime.status(1).state, test.runtime.status(1).pid], [PluginState.Idle, null]);
  assert.deepEqual(test.runtime.status(1).capabilities?.methods, ["processEvent"]);
  assert.equal((await test.process("normal")).events[0]?.properties["seen"], true);
  assert.equal(test.runtime.status(1).state, PluginState.Running);
});

Deno.test("createPluginRuntime({ lazy }) ends without ever having had a process", async () => {
  await using test = await openTestRuntime({ plugins: [SEEN], lazy: true });
  await test.runtime.ready();
  await test.systemLog();
  const known = await test.store.pluginConfigs.get(1);
  assert(known);
  await using idle = await openTestRuntime({
    plugins: [SEEN],
    lazy: true,
    prepare: (store) => store.pluginConfigs.put(known),
  });
  await idle.runtime.ready();
  await idle.runtime[Symbol.asyncDispose]();
  assert.equal(idle.runtime.status(1).state, PluginState.Stopped);
});

Deno.test("batch() loses nothing when the process of the plugin is killed from outside", async () => {
  await using test = await openTestRuntime({
    plugins: [`export async function processEvent(event, { cache }) {
      await cache.get("x"); event.properties.seen = true; return event }`],
    services: { "cache.get": () => new Promise((resolve) => setTimeout(() => resolve(null), 100)) },
  });
  await test.runtime.ready();
  const processing = test.process("a", "b", "c");
  await new Promise((resolve) => setTimeout(resolve, 50));
  Deno.kill(test.runtime.status(1).pid as number, "SIGKILL");
  const { outcomes, events } = await processing;
  assert.deepEqual(outcomes, ["ooo"]);
  assert.deepEqual(events.map((event) => event?.properties["seen"]), [true, true, true]);
});

Deno.test("batch() goes on with the other plugins of a shared cell when one of them hangs, and blames that one", async () => {
  await using test = await openTestRuntime({
    plugins: [SEEN.replace("seen", "first"), onAttack(HANG), SEEN.replace("seen", "third")],
    config: { cell: "shared", timeoutSeconds: 0.5 },
  });
  const { outcomes, events } = await test.process("a", "attack");
  assert.deepEqual(outcomes, ["oo", "of", "oo"]);
  assert.deepEqual(events[1]?.properties, { n: 1, first: true, third: true });
  for (let i = 0; i < 2; i++) await test.process("attack");
  assert.deepEqual([1, 2, 3].map((id) => test.runtime.status(id).state), ["running", "disabled", "running"]);
  assert.deepEqual((await test.process("a")).outcomes, ["o", "s", "o"]);
});

Deno.test("createPluginRuntime() runs the other plugins of a shared cell when one of them hangs at load", async () => {
  await using test = await openTestRuntime({
    plugins: [SEEN, `${HANG}; export function processEvent(event) { return event }`],
    config: { cell: "shared", timeoutSeconds: 0.2 },
  });
  await test.runtime.ready();
  assert.deepEqual([1, 2].map((id) => test.runtime.status(id).state), ["running", "disabled"]);
  assert.deepEqual((await test.process("a")).outcomes, ["o", "s"]);
});

Deno.test("dispose runs teardownPlugin, and does not wait for one that hangs", async () => {
  const calls: string[] = [];
  const services = {
    "storage.set": (args: unknown[]) => {
      calls.push(String(args[0]));
      return Promise.resolve(null);
    },
  };
  const good = await openTestRuntime({
    plugins: [`export async function teardownPlugin({ storage }) { await storage.set("torn down", 1) } ${SEEN}`],
    services,
  });
  await good.process("a");
  await good.runtime[Symbol.asyncDispose]();
  assert.deepEqual(calls, ["torn down"]);
  assert.equal((await good.systemLog()).at(-1), "Plugin unloaded (instance ID test).");
  assert.equal(good.runtime.status(1).state, PluginState.Stopped);
  await good[Symbol.asyncDispose]();

  for (const hang of ["await new Promise(() => {})", HANG]) {
    const bad = await openTestRuntime({ plugins: [`export async function teardownPlugin() { ${hang} } ${SEEN}`] });
    await bad.process("a");
    const start = performance.now();
    await bad.runtime[Symbol.asyncDispose]();
    assert.ok(performance.now() - start < 6_000);
    await bad[Symbol.asyncDispose]();
  }
});

Deno.test("retireAfterMs ends the cell of a plugin without work, and the next event starts it", async () => {
  const clock = new FakeClock();
  await using test = await openTestRuntime({ plugins: [SEEN], clock, retireAfterMs: 60_000 });
  await test.process("a");
  while (test.runtime.status(1).state !== PluginState.Idle) await clock.advance(60_000);
  assert.equal(test.runtime.status(1).pid, null);
  assert.equal((await test.process("b")).events[0]?.properties["seen"], true);
  assert.equal(test.runtime.status(1).state, PluginState.Running);
  assert.deepEqual(test.runtime.status(1).restarts, []);
});

Deno.test("call() runs a job, and says of a failed one whether it may be tried again", async () => {
  await using test = await openTestRuntime({
    plugins: [`export const jobs = {
      add: ({ a, b }) => a + b,
      later() { throw new RetryError("later") },
      never() { ${HANG} },
    }; ${SEEN}`],
  });
  assert.equal(await test.runtime.call(1, "job", "add", { a: 1, b: 2 }), 3);
  const failure = async (name: string): Promise<ErrorRecord> => {
    const error = await test.runtime.call(1, "job", name, {}).catch((error: unknown) => error);
    assert.ok(error instanceof PluginCallError);
    return error.record;
  };
  assert.deepEqual(await failure("later").then((record) => [record.name, record.retry]), ["RetryError", true]);
  assert.deepEqual(await failure("never"), {
    name: "PluginStoppedError",
    message: "job never was ended: a call to job never did not return for 1 s",
    retry: false,
  });
  assert.equal((await test.process("a")).events[0]?.properties["seen"], true);
});
