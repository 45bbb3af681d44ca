/**
 * Proves that bodies which a plugin does not read, or not to their end, are given up soon after its call is over, so
 * that a plugin that lives long never runs out of connections; and that neither a body nor a call is given up that is
 * still needed.
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { eventOf, RawCell } from "../kit/cells/raw_cell.ts";
import { compiledPlugin } from "../kit/cells/sandbox_kit.ts";
import { delay } from "../kit/delay.ts";

const LARGE = 2_000_000;

/** Answers with a large body or one that trickles on for ever, and knows how many answers are still open. */
function startServer() {
  let open = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/late") {
      await delay(3_000);
      return new Response("late");
    }
    open++;
    let left = LARGE;
    let trickling: ReturnType<typeof setInterval> | undefined;
    const body = new ReadableStream({
      start(to) {
        if (pathname === "/trickle") trickling = setInterval(() => to.enqueue(new Uint8Array([120])), 200);
      },
      pull(to) {
        if (pathname === "/trickle") return;
        if (left > 0) to.enqueue(new Uint8Array(50_000));
        else {
          open--;
          to.close();
        }
        left -= 50_000;
      },
      cancel() {
        clearInterval(trickling);
        open--;
      },
    });
    return new Response(body);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    open: () => open,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function startPlugin(code: string): Promise<RawCell> {
  const cell = new RawCell();
  const [loaded] = await cell.load([await compiledPlugin(code)], { egressAllow: ["127.0.0.1"], deadlineMs: 20_000 });
  assert.ok(loaded && "capabilities" in loaded, JSON.stringify(loaded));
  return cell;
}

for (
  const [what, code] of [
    ["never reads a large body", `await fetch(url + "/large")`],
    ["reads the beginning of a large body", `for await (const chunk of (await fetch(url + "/large")).body) break`],
    ["leaves a stream that never ends", `await fetch(url + "/trickle")`],
    ["does not even wait for the answer", `fetch(url + "/large")`],
  ]
) {
  Deno.test(`a plugin that ${what} has its connections back when its calls are over`, async () => {
    await using server = startServer();
    await using cell = await startPlugin(
      `export async function processEvent(event) { const url = "${server.url}"; ${code}; return event }`,
    );
    // More than there are connections to a host.
    for (let n = 0; n < 300; n++) assert.equal((await cell.process()).error, undefined);
    await eventually("no answer is open any more", () => server.open() === 0);
  });
}

Deno.test("a hundred calls that each wait for one answer and then for another do not wait for each other", async () => {
  await using server = startServer();
  await using cell = await startPlugin(
    `export async function processEvent(event) {
      const order = [];
      const lates = Array.from({ length: 100 }, () => fetch("${server.url}/late").then(() => order.push("late")));
      await (await fetch("${server.url}/large")).buffer();
      order.push("other");
      await Promise.all(lates);
      event.first = order[0];
      return event;
    }`,
  );
  assert.equal((await cell.process()).event?.["first"], "other");
});

Deno.test("a composed webhook has arrived when the status says so, also if the answer never ends", async () => {
  await using server = startServer();
  await using cell = await startPlugin(
    `export function composeWebhook(event) { return { url: "${server.url}" + event.event, body: "x" } }`,
  );
  const { outcomes } = await cell.batch(
    ["/trickle", "/large"].map((path) => eventOf({ event: path })),
    "composeWebhook",
  );
  assert.deepEqual(outcomes, ["oo"]);
  await eventually("no answer is open any more", () => server.open() === 0);
});

Deno.test("a request that is given up on a kept connection ends at once, and is not sent again", async () => {
  let lates = 0;
  const gone = Promise.withResolvers<void>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    if (!request.url.endsWith("/late")) return new Response("kept");
    lates++;
    request.signal.addEventListener("abort", () => gone.resolve());
    await gone.promise;
    return new Response("late");
  });
  await using cell = await startPlugin(
    `export async function processEvent(event) {
      const url = "http://127.0.0.1:${server.addr.port}";
      // The connection of this answer is used again.
      await (await fetch(url)).text();
      const over = new AbortController();
      const late = fetch(url + "/late", { signal: over.signal }).catch((error) => error.name);
      await (await fetch(url)).text();
      over.abort();
      event.late = await late;
      await (await fetch(url)).text();
      return event;
    }`,
  );
  const { event, error } = await cell.process();
  assert.equal(error, undefined);
  assert.equal(event?.["late"], "AbortError");
  await gone.promise;
  assert.equal(lates, 1);
});

Deno.test("a body is kept while the call that asked for it goes on", async () => {
  await using server = startServer();
  await using cell = await startPlugin(
    `export async function processEvent(event) {
      const large = await fetch("${server.url}/large");
      await (await fetch("${server.url}/late")).text();
      event.bytes = (await large.buffer()).length;
      return event;
    }`,
  );
  const { event, error } = await cell.process();
  assert.equal(error, undefined);
  assert.equal(event?.["bytes"], LARGE);
});

Deno.test("a small body that has come as a whole can be read long after its call is over", async () => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("kept"));
  await using cell = await startPlugin(
    `let kept;
    export async function processEvent(event) {
      if (kept === undefined) kept = await fetch("http://127.0.0.1:${server.addr.port}");
      else event.text = await kept.text();
      return event;
    }`,
  );
  await cell.process();
  // Unread bodies are looked at after a second.
  await delay(2_000);
  const { event, error } = await cell.process();
  assert.equal(error, undefined);
  assert.equal(event?.["text"], "kept");
});
