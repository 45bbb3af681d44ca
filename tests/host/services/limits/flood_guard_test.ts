/**
 * Proves that calls of a plugin beyond its rate wait in order or are refused. One test takes 100 real milliseconds,
 * because a wait that the rate imposes is what it shows.
 */

import assert from "node:assert/strict";
import { createFloodGuard, ServiceLimitError } from "../../../../host/services/limits/flood_guard.ts";
import type { RateLimits } from "../../../../host/services/limits/service_limits.ts";
import { openTestServices } from "../../../../testing/plugin_services.ts";

const LIMITS: RateLimits = {
  callsPerSecond: 200,
  callsBurst: 10,
  charsPerSecond: 1e9,
  charsBurst: 1e9,
  outstanding: 1000,
};

function guardOf(limits: Partial<RateLimits> = {}, maxWaitMs = 10_000) {
  const refused: string[] = [];
  const guard = createFloodGuard({
    what: "cache",
    limits: { ...LIMITS, ...limits },
    maxWaitMs,
    now: Date.now,
    onRefused: (message) => refused.push(message),
  });
  return { guard, refused };
}

Deno.test("createFloodGuard() makes calls beyond the rate wait, in their order", async () => {
  const { guard, refused } = guardOf();
  const order: number[] = [];
  const started = performance.now();
  await Promise.all(Array.from({ length: 30 }, (_, call) => guard.run(1, () => Promise.resolve(order.push(call)))));
  // 20 calls beyond the burst at 200 a second.
  assert.ok(performance.now() - started >= 90);
  assert.deepEqual(order, Array.from({ length: 30 }, (_, call) => call));
  assert.deepEqual(refused, []);
});

Deno.test("createFloodGuard() runs a call within the bounds at once", () => {
  const { guard } = guardOf();
  let ran = false;
  void guard.run(1, () => {
    ran = true;
    return Promise.resolve();
  });
  assert.equal(ran, true);
});

Deno.test("createFloodGuard() keeps a small call behind a large one that waits", async () => {
  const { guard } = guardOf({ charsPerSecond: 1000, charsBurst: 100 });
  const order: string[] = [];
  await Promise.all(
    [100, 50, 0].map((size) => guard.run(size, () => Promise.resolve(order.push(String(size))))),
  );
  assert.deepEqual(order, ["100", "50", "0"]);
});

Deno.test("createFloodGuard() refuses calls that would wait too long, and too many at a time", async () => {
  const slow = guardOf({ callsPerSecond: 1, callsBurst: 1 }, 500);
  await slow.guard.run(1, () => Promise.resolve());
  await assert.rejects(slow.guard.run(1, () => Promise.resolve()), ServiceLimitError);
  assert.match(slow.refused[0] ?? "", /Cannot call cache: this plugin may make 1 calls/);

  const crowded = guardOf({ outstanding: 2 });
  const gate = Promise.withResolvers<void>();
  const waiting = [1, 2].map(() => crowded.guard.run(1, () => gate.promise));
  await assert.rejects(
    crowded.guard.run(1, () => Promise.resolve()),
    /2 calls of this plugin are waiting for an answer/,
  );
  gate.resolve();
  await Promise.all(waiting);
  await crowded.guard.run(1, () => Promise.resolve());
});

Deno.test("createPluginServices() bounds each group of services for itself, and says it once", async () => {
  const { DEFAULT_SERVICE_LIMITS: { rates } } = await import("../../../../host/services/limits/service_limits.ts");
  await using services = await openTestServices({
    rates: { ...rates, cache: { ...rates.cache, callsPerSecond: 0.001, callsBurst: 5 } },
  });
  const results = await Promise.allSettled(Array.from({ length: 50 }, () => services.call("cache.get", ["k"])));
  assert.equal(results.filter(({ status }) => status === "rejected").length, 45);
  await services.call("storage.get", ["k"]);
  assert.equal(services.notices.length, 1);
  services.time += 61_000;
  await assert.rejects(services.call("cache.get", ["k"]));
  assert.match(services.notices[1] ?? "", /and 44 times more/);
});

Deno.test("createPluginServices() rejects arguments of unmeasurable depth like any other", async () => {
  await using services = await openTestServices();
  let deep: unknown[] = [];
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  await assert.rejects(services.call("cache.get", [deep]));
});

Deno.test("createFloodGuard() counts texts in answers for the calls that come later", async () => {
  const { guard, refused } = guardOf({}, 500);
  const text = "x".repeat(16 * 1024 * 1024);
  await guard.run(0, () => Promise.resolve({ text, more: text, most: text }));
  await guard.run(0, () => Promise.resolve(text));
  await guard.run(0, () => Promise.resolve([text, text, text]));
  await assert.rejects(guard.run(0, () => Promise.resolve(null)), ServiceLimitError);
  assert.equal(refused.length, 1);
});
