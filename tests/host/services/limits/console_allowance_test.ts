/** Proves that a plugin that logs too much is cut off, and that the log says so and how much is missing. */

import assert from "node:assert/strict";
import { createConsoleAllowance } from "../../../../host/services/limits/console_allowance.ts";
import { DEFAULT_SERVICE_LIMITS } from "../../../../host/services/limits/service_limits.ts";

Deno.test("createConsoleAllowance() says at once that lines are left out, and what followed after a minute", () => {
  let time = 0;
  const said: string[] = [];
  const limits = { ...DEFAULT_SERVICE_LIMITS.console, linesPerSecond: 1, linesBurst: 2 };
  const allowance = createConsoleAllowance(limits, () => time, (message) => said.push(message));
  assert.deepEqual([1, 1, 1, 1].map((chars) => allowance.admits(chars)), [true, true, false, false]);
  allowance.leftOut(10);
  allowance.remind();
  assert.equal(said.length, 1);
  assert.match(said[0] ?? "", /: 1 line was left out/);
  time = 60_000;
  allowance.remind();
  allowance.remind();
  assert.equal(said.length, 2);
  assert.match(said[1] ?? "", /: 11 lines were left out/);
  allowance.close();
  assert.equal(said.length, 2);
});

Deno.test("createConsoleAllowance() bounds characters as well as lines", () => {
  const limits = { ...DEFAULT_SERVICE_LIMITS.console, charsPerSecond: 10, charsBurst: 100 };
  const allowance = createConsoleAllowance(limits, () => 0, () => {});
  assert.deepEqual([60, 30, 30].map((chars) => allowance.admits(chars)), [true, true, false]);
});
