/** Proves when a plugin is given up after repeated incidents, and when an event is blamed for the end of a cell. */

import assert from "node:assert/strict";
import { isBlamed } from "../../../../host/cells/dispatch/blame.ts";
import type { CellEnd, CellEndKind } from "../../../../host/cells/process/cell_end.ts";
import { createDeathLedger } from "../../../../host/cells/dispatch/death_ledger.ts";

const MB = 1024 * 1024;

function end(kind: CellEndKind, more: Partial<CellEnd> = {}): CellEnd {
  return { kind, words: `it did ${kind}`, inFlight: 1, grownBytes: 0, ...more };
}

Deno.test("incident() gives up a plugin at the third incident of one kind in ten minutes", () => {
  const ledger = createDeathLedger(() => 0);
  assert.equal(ledger.incident(end("hang")), null);
  assert.equal(ledger.incident(end("memory")), null);
  assert.equal(ledger.incident(end("hang")), null);
  assert.equal(ledger.incident(end("hang")), "stopped: it did hang, 3 times in 10 minutes");
});

Deno.test("incident() forgets what is older than ten minutes", () => {
  let now = 0;
  const ledger = createDeathLedger(() => now);
  for (let i = 0; i < 20; i++) {
    assert.equal(ledger.incident(end("hang")), null);
    now += 5 * 60_000 + 1;
  }
});

Deno.test("ended() starts at once after work, and waits longer after each end without", () => {
  const ledger = createDeathLedger(() => 0);
  const waits = [false, false, false, false, true, false, false].map((didWork) => ledger.ended(didWork));
  assert.deepEqual(waits, [0, 1000, 2000, 4000, 0, 0, 1000]);
});

Deno.test("isBlamed() is sure of a hang at once", () => {
  assert.ok(isBlamed(end("hang"), 0, false, 256 * MB));
});

Deno.test("isBlamed() lays memory at the door of an event that took much of it, or came first", () => {
  assert.ok(isBlamed(end("memory", { grownBytes: 150 * MB }), 0, false, 256 * MB));
  assert.ok(isBlamed(end("memory", { grownBytes: 24 * MB }), 1, true, 256 * MB));
  assert.ok(!isBlamed(end("memory", { grownBytes: 24 * MB }), 1, false, 256 * MB));
});

Deno.test("isBlamed() wants to see any other end twice", () => {
  assert.ok(!isBlamed(end("exit"), 0, true, 256 * MB));
  assert.ok(isBlamed(end("exit"), 1, true, 256 * MB));
});
