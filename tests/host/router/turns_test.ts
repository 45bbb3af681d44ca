/** Proves that turns pass in the order in which they were taken, whatever order they finish in. */

import assert from "node:assert/strict";
import { createGate } from "../../../host/router/turns.ts";

async function settled(promise: Promise<void>): Promise<boolean> {
  let done = false;
  promise.then(() => done = true);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  return done;
}

Deno.test("createGate() lets a turn pass only after every earlier turn has passed", async () => {
  const gate = createGate();
  const [first, second, third] = [gate.takeTurn(), gate.takeTurn(), gate.takeTurn()];
  assert.equal(await settled(first.mine), true);
  assert.equal(await settled(second.mine), false);
  first.pass();
  assert.equal(await settled(second.mine), true);
  assert.equal(await settled(third.mine), false);
  second.pass();
  assert.equal(await settled(third.mine), true);
});

Deno.test("createGate() keeps the order when a turn is passed before it came", async () => {
  const gate = createGate();
  const [first, second, third] = [gate.takeTurn(), gate.takeTurn(), gate.takeTurn()];
  second.pass();
  assert.equal(await settled(third.mine), false);
  first.pass();
  assert.equal(await settled(third.mine), true);
});
