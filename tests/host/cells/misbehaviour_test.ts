import assert from "node:assert/strict";
import { eventually } from "../../kit/eventually.ts";
import { FakeClock } from "../../kit/fake_clock.ts";
import { openTestRuntime, type TestRuntimeOptions } from "../../kit/test_runtime.ts";

const NEIGHBOUR = `export function processEvent(event) { event.properties.seen = true; return event }`;

/** Does something when the event is an attack. */
const attacker = (action: string) =>
  `export async function processEvent(event) { if (event.event === "attack") { ${action} } return event }`;

/** Holds the thread where no loop guard reaches. */
const HANG = `/^(a+)+$/.test("a".repeat(50) + "!")`;

/** Two plugins that the service put together, and who was to be moved out, with the reason. */
async function openTogether(second: string, more: Partial<TestRuntimeOptions> = {}) {
  const moved: [number[], string][] = [];
  const test = await openTestRuntime({
    plugins: [NEIGHBOUR, second],
    onMisbehaviour: (ids, reason) => moved.push([[...ids], reason]),
    ...more,
  });
  await test.runtime.ready();
  return { test, moved, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

Deno.test("a plugin that hangs in a cell that is shared is moved out, its neighbour has seen the event, and both logs say what is so", async () => {
  await using together = await openTogether(attacker(HANG));
  const { test, moved } = together;
  const { outcomes, events } = await test.process("a", "attack", "b");
  assert.deepEqual(outcomes, ["ooo", "ofo"]);
  assert.deepEqual(events.map((event) => event?.properties["seen"]), [true, true, true]);
  assert.deepEqual(moved, [[[2], "a call to processEvent did not return for 1 s"]]);
  const said =
    "Moved to a process of its own for a day: a call to processEvent did not return for 1 s (instance ID test).";
  assert.ok((await test.systemLog(2)).includes(said));
  assert.ok(!(await test.systemLog(1)).some((line) => line.startsWith("Moved")));
});

Deno.test("a plugin that takes the memory of a cell that is shared is moved out", async () => {
  const bomb = `const all = []; for (;;) all.push(new Uint8Array(8e6).fill(1));`;
  await using together = await openTogether(attacker(bomb), { config: { timeoutSeconds: 20 } });
  const { test, moved } = together;
  assert.deepEqual((await test.process("a", "attack")).outcomes, ["oo", "of"]);
  assert.deepEqual(moved.map(([ids]) => ids), [[2]]);
  assert.match(moved[0]?.[1] ?? "", /memory/);
});

Deno.test("when memory runs out slowly nobody can tell by whom: all are moved out, and no event is lost", async () => {
  const leak =
    `const kept = []; export function processEvent(event) { kept.push(new Uint8Array(8e6).fill(1)); return event }`;
  await using together = await openTogether(leak);
  const { test, moved } = together;
  while (moved.length === 0) assert.deepEqual((await test.process("a", "b", "c")).outcomes, ["ooo", "ooo"]);
  assert.deepEqual(moved[0]?.[0], [1, 2]);
  assert.match(moved[0]?.[1] ?? "", /^one of its neighbours or itself: .*memory/);
});

Deno.test("a plugin whose promise outlasts the deadline is moved out, though the cell goes on", async () => {
  await using together = await openTogether(attacker("await new Promise(() => {})"));
  const { test, moved } = together;
  assert.deepEqual((await test.process("attack")).outcomes, ["o", "f"]);
  assert.deepEqual(moved, [[[2], "processEvent overran its deadline"]]);
  assert.equal(test.runtime.status(1).restarts.length, 0);
});

Deno.test("a plugin that keeps the thread from its neighbours within its deadline is moved out", async () => {
  const slow = attacker("const until = Date.now() + 300; while (Date.now() < until) {}");
  await using together = await openTogether(slow, { clock: new FakeClock() });
  const { test, moved } = together;
  for (let n = 0; n < 5; n++) await test.process("attack");
  assert.deepEqual(moved, []);
  for (let n = 0; n < 5; n++) await test.process("attack");
  assert.deepEqual(moved, [[[2], "it kept the processor from its neighbours more than half of the time"]]);
  assert.equal(test.runtime.status(1).restarts.length, 0);
});

Deno.test("a plugin that ends the cell before it is set up is moved out, and its neighbour runs", async () => {
  await using together = await openTogether(`${HANG}; ${NEIGHBOUR}`);
  const { test, moved } = together;
  assert.deepEqual((await test.process("a")).outcomes, ["o", "s"]);
  assert.deepEqual(moved.map(([ids]) => ids), [[2]]);
});

Deno.test("a cell that is busy while nothing is asked of it is nobody's in particular: all are moved out, and go on", async () => {
  const spin = `const { deflate } = require("zlib");
    const spin = () => deflate(Buffer.alloc(4e6), spin);
    ${attacker("spin()")}`;
  await using together = await openTogether(spin);
  const { test, moved } = together;
  await test.process("attack");
  await eventually("both are moved out", () => moved.length > 0);
  assert.deepEqual(moved[0]?.[0], [1, 2]);
  assert.deepEqual((await test.process("a")).outcomes, ["o", "o"]);
});

Deno.test("a process that is killed is nobody's in particular: all are moved out, and the events are processed", async () => {
  await using together = await openTogether(NEIGHBOUR);
  const { test, moved } = together;
  Deno.kill(test.runtime.status(1).pid as number, "SIGKILL");
  assert.deepEqual((await test.process("a")).outcomes, ["o", "o"]);
  await eventually("both are moved out", () => moved.length > 0);
  assert.deepEqual(moved[0]?.[0], [1, 2]);
});

Deno.test("a job that outlasts the deadline moves its plugin out", async () => {
  await using together = await openTogether(`export const jobs = { wait: () => new Promise(() => {}) }`);
  const { test, moved } = together;
  await assert.rejects(test.runtime.call(2, "job", "wait"));
  assert.deepEqual(moved, [[[2], "wait overran its deadline"]]);
});
