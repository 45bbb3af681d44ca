/**
 * Proves that a restart under load, in order and by a kill, costs no event of a client that sends again as
 * PostHog's SDKs do; what is sent twice keeps its uuid.
 */

import assert from "node:assert/strict";
import { PostHog } from "posthog-node";
import { eventually } from "../kit/eventually.ts";
import { startTestService } from "../kit/service.ts";

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`posthog-node loses no event while the service restarts after ${signal}`, async () => {
    await using service = await startTestService();
    const client = new PostHog("phc_local", {
      host: service.url,
      flushAt: 10,
      flushInterval: 50,
      // As long as a start may take on a busy machine; the load must not fill its queue meanwhile.
      fetchRetryCount: 600,
      fetchRetryDelay: 100,
      maxQueueSize: 100_000,
    });
    let count = 0;
    const load = setInterval(() => {
      for (let each = 0; each < 5; each++) {
        client.capture({ distinctId: `user ${count % 7}`, event: "counted", properties: { count: count++ } });
      }
    }, 10);
    await eventually("events are under way", () => count > 200);
    await service.end(signal);
    await service.start();
    const since = count;
    await eventually("the load goes on", () => count > since + 200);
    clearInterval(load);
    await client.shutdown();

    const events = await service.events(count);
    const uuids = new Map<unknown, Set<string>>();
    for (const { uuid, properties } of events) {
      uuids.set(properties.count, (uuids.get(properties.count) ?? new Set()).add(uuid));
    }
    assert.deepEqual(Array.from({ length: count }, (_, each) => each).filter((each) => !uuids.has(each)), []);
    // What was stored while its answer was lost is sent again.
    for (const own of uuids.values()) assert.equal(own.size, 1, "an event that is there twice has one uuid");
  });
}
