/**
 * Proves what becomes of pages and events when PostHog is killed, hangs, is slow or fails, and that clients that take
 * their time hold up nobody.
 */

import assert from "node:assert/strict";
import { delay } from "../kit/delay.ts";
import { eventually } from "../kit/eventually.ts";
import { startPostHog } from "../kit/servers/posthog.ts";
import { type RunningService, startTestService } from "../kit/service.ts";

const KEY = "phc_shop";
const ORIGIN = "https://shop.example";
const setup = { sanitizeOps: false, sanitizeResources: false };

/** Hogpen in front of this PostHog. */
function inFrontOf(host: string): Promise<RunningService> {
  return startTestService({
    config: {
      projects: [{
        id: 1,
        token: KEY,
        upstream: { type: "posthog", host },
        destinations: [{ id: "cloud", type: "posthog" }],
      }],
    },
  });
}

/** What a page asks when it is opened. */
const SHARED = [`/array/${KEY}/config`, `/array/${KEY}/config.js`, "/static/array.js", "/static/recorder.js?v=1.449.2"];

async function get(url: string): Promise<{ status: number; text: string; headers: Headers }> {
  const answer = await fetch(url, { headers: { origin: ORIGIN } });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

function askFlags(url: string): Promise<Response> {
  const body = JSON.stringify({ token: KEY, distinct_id: "me" });
  return fetch(`${url}/flags/?v=2`, { method: "POST", headers: { origin: ORIGIN }, body });
}

Deno.test(
  "PostHog killed: pages get the last configuration and scripts, events wait, and all recovers by itself",
  setup,
  async () => {
    const first = startPostHog([KEY]);
    const port = Number(new URL(first.url).port);
    await using service = await inFrontOf(first.url);
    const before = await Promise.all(SHARED.map((path) => get(service.url + path)));
    assert.deepEqual(before.map(({ status }) => status), [200, 200, 200, 200]);
    await first[Symbol.asyncDispose]();

    for (const [index, path] of SHARED.entries()) {
      const { status, text, headers } = await get(service.url + path);
      assert.deepEqual([status, text === before[index]?.text], [200, true], path);
      assert.match(headers.get("warning") ?? "", /stale/i);
      assert.equal(headers.get("access-control-allow-origin"), ORIGIN);
    }
    const flags = await askFlags(service.url);
    assert.deepEqual([flags.status, (await flags.json()).code], [502, "upstream_unavailable"]);
    assert.equal(flags.headers.get("access-control-allow-origin"), ORIGIN);
    await service.capture({ api_key: KEY, event: "meanwhile", distinct_id: "me" });

    await using second = startPostHog([KEY], port);
    const answer = await askFlags(service.url);
    assert.equal((await answer.json()).flags["new-page"].variant, "b");
    assert.equal((await get(service.url + SHARED[0])).headers.has("warning"), false);
    await eventually("the event is at PostHog", () => second.events(KEY).find(({ event }) => event === "meanwhile"));
  },
);

Deno.test(
  "PostHog hangs: flags and configuration are given up after some seconds, capture and others go on",
  setup,
  async () => {
    await using posthog = startPostHog([KEY]);
    await using service = await inFrontOf(posthog.url);
    for (const path of SHARED) await get(service.url + path);
    const released = Promise.withResolvers<void>();
    posthog.instead = () => released.promise.then(() => new Response(null, { status: 503 }));
    const hanging = Promise.all([askFlags(service.url), get(service.url + SHARED[0])]);
    await service.capture({ api_key: KEY, event: "meanwhile", distinct_id: "me" });
    assert.equal((await get(`${service.url}/_health`)).status, 200);
    const [flags, config] = await hanging;
    assert.deepEqual([flags.status, (await flags.json()).code], [504, "upstream_unavailable"]);
    assert.deepEqual([config.status, /stale/i.test(config.headers.get("warning") ?? "")], [200, true]);
    posthog.instead = () => undefined;
    released.resolve();
    assert.equal((await askFlags(service.url)).status, 200);
  },
);

Deno.test(
  "PostHog slow or failing: what is slow comes, what fails is passed on or served from what was good",
  setup,
  async () => {
    await using posthog = startPostHog([KEY]);
    await using service = await inFrontOf(posthog.url);
    for (const path of SHARED) await get(service.url + path);
    posthog.instead = ({ path }) =>
      path.startsWith("/flags") ? delay(1500).then(() => Response.json({ flags: {}, slow: true })) : undefined;
    assert.equal((await (await askFlags(service.url)).json()).slow, true);

    posthog.instead = () => new Response("broken", { status: 500 });
    const flags = await askFlags(service.url);
    assert.deepEqual([flags.status, await flags.text()], [500, "broken"]);
    for (const path of SHARED) assert.equal((await get(service.url + path)).status, 200, path);
    await service.capture({ api_key: KEY, event: "meanwhile", distinct_id: "me" });
    posthog.instead = () => undefined;
    await eventually("the event is at PostHog", () => posthog.events(KEY).find(({ event }) => event === "meanwhile"));
    const metrics = (await get(`${service.url}/metrics`)).text;
    assert.match(metrics, /hogpen_upstream_request_duration_seconds_count\{kind="flags",status="500"\} 1/);
  },
);

Deno.test("200 clients that send a byte now and then, and 200 that do not read, hold up nobody", setup, async () => {
  await using posthog = startPostHog([KEY]);
  await using service = await inFrontOf(posthog.url);
  const { hostname, port, host } = new URL(service.url);
  const open = (text: string) =>
    Deno.connect({ hostname, port: Number(port) }).then(async (connection) => {
      await connection.write(new TextEncoder().encode(text));
      return connection;
    });
  // The larger ones are streamed on, the smaller ones are read first.
  const post = (bytes: number) => `POST /flags/?v=2 HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${bytes}\r\n\r\n{`;
  const read = `GET /static/array.full.js HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
  const slow = await Promise.all(
    Array.from({ length: 400 }, (_, index) => open(index % 2 === 1 ? read : post(index % 4 === 0 ? 60_000 : 90_000))),
  );
  let answered = 0;
  for (let index = 0; index < slow.length; index += 2) {
    slow[index]?.read(new Uint8Array(1)).then((bytes) => answered += bytes ?? 0, () => {});
  }
  let [lastByteAt, longestPauseMs] = [performance.now(), 0];
  const dribbling = setInterval(() => {
    longestPauseMs = Math.max(longestPauseMs, performance.now() - lastByteAt);
    lastByteAt = performance.now();
    for (let index = 0; index < slow.length; index += 2) {
      void slow[index]?.write(new Uint8Array([0x20])).catch(() => {});
    }
  }, 50);
  try {
    for (let round = 0; round < 20; round++) {
      assert.equal((await (await askFlags(service.url)).json()).flags.plain.enabled, true);
      await service.capture({ api_key: KEY, event: "meanwhile", distinct_id: "me" });
    }
    assert.equal((await get(service.url + SHARED[1])).status, 200);
    // A client from which nothing comes for 5 s is answered, and a busy machine may keep this one from sending.
    assert.ok(answered === 0 || longestPauseMs > 4_000, `${answered} slow clients were done`);
  } finally {
    clearInterval(dribbling);
    for (const connection of slow) connection.close();
  }
});
