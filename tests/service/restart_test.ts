/**
 * Proves that a restart under load, in order and by a kill, costs no event of a client that sends again as
 * PostHog's SDKs do; what is sent twice keeps its uuid. Clients that do not end their requests do not hold a stop.
 */

import assert from "node:assert/strict";
import { PostHog } from "posthog-node";
import { eventually } from "../kit/eventually.ts";
import { listenersOn } from "../kit/listeners.ts";
import { ADMIN_TOKEN, type ShownEvent, startTestService } from "../kit/service.ts";

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

    const uuids = new Map<unknown, Set<string>>();
    // Some may be there twice, so their number alone does not say that all are.
    await eventually("every event has come out", async () => {
      for (const { uuid, properties } of await service.events(count)) {
        uuids.set(properties.count, (uuids.get(properties.count) ?? new Set()).add(uuid));
      }
      return Array.from({ length: count }, (_, each) => each).every((each) => uuids.has(each));
    });
    // What was stored while its answer was lost is sent again.
    for (const own of uuids.values()) assert.equal(own.size, 1, "an event that is there twice has one uuid");
  });
}

Deno.test("open pages are let go of at a stop, and a request that never ends does not hold it", async () => {
  await using service = await startTestService();
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  const page = await fetch(`${service.url}/_hogpen/api/live`, { headers });
  const reading = page.text();
  const ended = await service.end("SIGTERM");
  assert.equal(ended.code, 0);
  assert.match(await reading, /^retry: /, "the stream ends in order");
  assert.doesNotMatch(service.output(), /Cannot stop/);

  await service.start();
  const { hostname, port } = new URL(service.url);
  using half = await Deno.connect({ hostname, port: Number(port) });
  await half.write(new TextEncoder().encode("POST /capture HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{"));
  // Answered after it: the other one has been read as far as it goes.
  await service.capture({ api_key: "phc_local", event: "hello", distinct_id: "me" });
  assert.equal((await service.end("SIGTERM")).code, 0);
});

Deno.test({
  name:
    "with HOGPEN_REUSE_PORT the next process has the port before the last one ends: nobody is refused, and nothing lost",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const env = { HOGPEN_REUSE_PORT: "yes" };
    const flags = ["--unstable-net"];
    await assert.rejects(startTestService({ env }), /HOGPEN_REUSE_PORT: found no --unstable-net/);
    await using first = await startTestService({ env, flags });
    const { port } = new URL(first.url);
    const refused: string[] = [];
    let [count, stored] = [0, 0];
    const load = new AbortController();

    // Each on a connection of its own, and sent again as SDKs do.
    async function sendInTurn(): Promise<void> {
      while (!load.signal.aborted) {
        const [number, uuid] = [count++, crypto.randomUUID()];
        const event = { api_key: "phc_local", event: "counted", distinct_id: "me", uuid, properties: { number } };
        await eventually("the event is answered", async () => {
          try {
            const answer = await fetch(`${first.url}/capture`, {
              method: "POST",
              headers: { connection: "close" },
              body: JSON.stringify(event),
            });
            await answer.body?.cancel();
            return answer.status === 200;
          } catch (error) {
            if (/refused/i.test(String(error))) refused.push(String(error));
            return false;
          }
        });
        stored++;
      }
    }
    const senders = Promise.all([1, 2, 3, 4].map(sendInTurn));
    await eventually("events are answered", () => stored > 100);
    const starting = startTestService({
      flags,
      env: { ...env, HOGPEN_PORT: port, HOGPEN_DATA: `${first.folder}/data` },
    });
    await eventually("both listen", async () => await listenersOn(port) === 2);
    const ended = first.end("SIGTERM");
    await using second = await starting;
    assert.equal((await ended).code, 0);
    const since = stored;
    await eventually("the load goes on", () => stored > since + 100);
    load.abort();
    await senders;
    assert.deepEqual(refused, []);

    const shown = await eventually("every event is there", async () => {
      const numbers = new Set<unknown>();
      for (let after = "";;) {
        const page = await fetch(
          `${first.url}/_hogpen/api/projects/1/events?limit=1000&after=${encodeURIComponent(after)}`,
          { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } },
        );
        const { results, next } = await page.json() as { results: ShownEvent[]; next: string | null };
        for (const { properties } of results) numbers.add(properties.number);
        if (next === null) break;
        after = next;
      }
      return numbers.size >= count ? numbers : null;
    });
    assert.equal(shown.size, count);
    assert.equal((await second.end("SIGTERM")).code, 0);
  },
});
