/**
 * Bodies of clients, over plain sockets: how they are framed on their way to PostHog, and whose fault it is when one
 * does not arrive.
 */

import assert from "node:assert/strict";
import { CaptureError } from "../../../host/capture/capture_error.ts";
import { UpstreamError } from "../../../host/upstream/forward.ts";
import { RequestBodyError } from "../../../host/upstream/http/send_request.ts";
import { eventually } from "../../kit/eventually.ts";
import { proxyTo, standIn } from "../../kit/proxy_to.ts";
import { ask, serveRaw } from "../../kit/servers/raw_server.ts";

const setup = { sanitizeOps: false, sanitizeResources: false };
const MB = 1024 * 1024;

/** Reads all that it is sent, and never answers. */
function startSink() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listening = (async () => {
    for await (const connection of listener) void connection.readable.pipeTo(new WritableStream()).catch(() => {});
  })();
  return {
    host: `http://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await listening;
    },
  };
}

/** A proxy to this host on a port of its own, with the statuses that it has answered. */
async function serveProxy(host: string) {
  const proxy = await proxyTo(host);
  const statuses: number[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request, { remoteAddr }) => {
    const answer = await proxy.handle(request, { remoteAddr });
    statuses.push(answer.status);
    return answer;
  });
  return {
    statuses,
    outages: proxy.outages,
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: server.addr.port }),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

function write(connection: Deno.Conn, text: string): Promise<void> {
  return new Blob([text]).stream().pipeTo(connection.writable, { preventClose: true });
}

Deno.test("an upload that breaks off is refused, and is no outage of PostHog", setup, async () => {
  await using sink = startSink();
  await using proxy = await serveProxy(sink.host);
  const heads = ["content-length: 200000", "transfer-encoding: chunked"];
  for (const [index, framing] of heads.entries()) {
    const client = await proxy.connect();
    await write(
      client,
      `POST /api/upload HTTP/1.1\r\nhost: x\r\n${framing}\r\n\r\n186a0\r\n${"x".repeat(100_000)}\r\n`,
    );
    client.close();
    await eventually("the request is over", () => proxy.statuses.length > index);
  }
  assert.deepEqual([proxy.statuses, proxy.outages.list()], [[400, 400], []]);
});

Deno.test("more than 64 MB in chunks are refused with 413, and are no outage of PostHog", setup, async () => {
  await using sink = startSink();
  await using proxy = await serveProxy(sink.host);
  using client = await proxy.connect();
  const first = client.read(new Uint8Array(1024));
  await write(client, "POST /api/upload HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
  const chunk = `${MB.toString(16)}\r\n${"x".repeat(MB)}\r\n`;
  for (let sent = 0; sent <= 64; sent++) await write(client, chunk).catch(() => {});
  await first;
  assert.deepEqual([proxy.statuses, proxy.outages.list()], [[413], []]);
});

Deno.test("a PostHog that closes the connection within an upload is an outage", setup, async () => {
  await using posthog = serveRaw("CLOSE");
  await using proxy = await serveProxy(posthog.host);
  using client = await proxy.connect();
  await write(client, "POST /api/upload HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\nx");
  await client.read(new Uint8Array(1024));
  assert.deepEqual([proxy.statuses, proxy.outages.list().length], [[502], 1]);
});

Deno.test("who is waited for when time is up is at fault", setup, async () => {
  await using sink = startSink();
  const post = (body: ReadableStream<Uint8Array>, timeoutMs: number) =>
    ask(sink.host, { method: "POST", body, length: null, timeoutMs, isRepeatable: false });
  const stalled = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
  await assert.rejects(post(stalled, 2_000), (error) => {
    assert.ok(error instanceof RequestBodyError && error.cause instanceof CaptureError, String(error));
    assert.equal(error.cause.status, 408);
    return true;
  });
  const complete = ReadableStream.from([new Uint8Array(10)]);
  await assert.rejects(post(complete, 100), (error) => error instanceof UpstreamError && error.kind === "timeout");
});

Deno.test("a length that is no number of bytes is never sent", setup, async () => {
  await using posthog = serveRaw();
  for (const length of [NaN, -1, 0.5, Infinity, 2 ** 53]) {
    const body = new Uint8Array(3);
    await assert.rejects(ask(posthog.host, { method: "POST", body, length }), RequestBodyError, String(length));
  }
  assert.deepEqual(posthog.seen, []);
});

Deno.test("a length that is said twice counts once, and anything else is refused", setup, async () => {
  await using posthog = standIn(({ headers }) => new Response(headers.get("content-length")));
  await using proxy = await proxyTo(posthog.host);
  const post = (length: string) =>
    proxy.ask("/api/x", { method: "POST", body: "abc", headers: { "content-length": length } });
  assert.equal(await (await post("3, 3")).text(), "3");
  for (const length of ["3, 4", "3,", "+3", "0x3", "3.0", "1e0", "-1", "", "9".repeat(16), `${"9".repeat(16)}, 1`]) {
    assert.equal((await post(length)).status, 400, length);
  }
  assert.equal((await post(`${70 * MB}, ${70 * MB}`)).status, 413);
  assert.equal(posthog.seen.length, 1);
});

Deno.test("a body whose head says nothing of it arrives whole, and none as none", setup, async () => {
  await using posthog = standIn(({ body }) => new Response(String(body.byteLength)));
  await using proxy = await proxyTo(posthog.host);
  const framings: (string | null)[][] = [];
  for (const bytes of [0, 3, 100_000]) {
    const body = ReadableStream.from(bytes === 0 ? [] : [new Uint8Array(bytes - 1), new Uint8Array(1)]);
    assert.equal(await (await proxy.ask("/api/x", { method: "POST", body })).text(), String(bytes));
    const headers = posthog.seen.at(-1)?.headers;
    framings.push(["content-length", "transfer-encoding"].map((name) => headers?.get(name) ?? null));
  }
  assert.deepEqual(framings, [["0", null], ["3", null], [null, "chunked"]]);
});
