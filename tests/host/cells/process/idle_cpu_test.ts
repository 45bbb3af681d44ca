/** Proves that a cell that uses processor time without work is found, and that brief background work is tolerated. */

import assert from "node:assert/strict";
import { createIdleCpu } from "../../../../host/cells/process/idle_cpu.ts";

function lookEvery(ms: number) {
  let time = 0;
  const idle = createIdleCpu(() => time);
  let cpuMs = 0;
  return (usedMs: number, busy = false) => {
    time += ms;
    cpuMs += usedMs;
    return idle.isOverused(cpuMs, busy);
  };
}

Deno.test("createIdleCpu() finds a cell that never rests within a few seconds", () => {
  const look = lookEvery(500);
  const found = Array.from({ length: 10 }, () => look(500)).indexOf(true);
  assert.ok(found >= 2 && found <= 5, `found at look ${found}`);
});

Deno.test("createIdleCpu() bears work that a plugin left behind, and a little all the time", () => {
  const look = lookEvery(500);
  assert.equal(look(900), false);
  for (let i = 0; i < 100; i++) assert.equal(look(200), false);
});

Deno.test("createIdleCpu() counts nothing while there is work", () => {
  const look = lookEvery(500);
  for (let i = 0; i < 100; i++) assert.equal(look(1000, true), false);
  assert.equal(look(400), false);
});
