/**
 * Requests sent on over plain sockets to servers that speak HTTP well, badly, slowly or not at all: what comes back,
 * and that no byte of one exchange gets into another.
 */

import assert from "node:assert/strict";
import { UpstreamError } from "../../../host/upstream/forward.ts";
import { ask, serveRaw } from "../../kit/servers/raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
// Kept connections and the timer that ends them outlive a test.
const setup = { sanitizeOps: false, sanitizeResources: false };

Deno.test("bodies end as their heads say: by length, by chunks, or with the connection", setup, async () => {
  const bodies: [answer: string, body: string][] = [
    [OK, "ok"],
    ["HTTP/1.1 200 OK\r\ncontent-le|ngth: 4\r\n\r|\n|ab|cd", "abcd"],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n|A;x=y\r\n0123456|789\r\n0\r\nx-trailer: 1\r\n\r\n",
      "abc0123456789",
    ],
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK, "ok"],
    ["HTTP/1.1 204 No Content\r\n\r\n", ""],
    ["HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n", ""],
    ["HTTP/1.0 200 OK\r\n\r\nall of| it|CLOSE", "all of it"],
  ];
  await using server = serveRaw(...bodies.map(([answer]) => answer));
  for (const [answer, body] of bodies) assert.equal(await (await ask(server.host)).text(), body, answer);
  assert.equal(server.connections(), 1, "all went by one connection, which the last answer closed");
});

Deno.test("the answer to HEAD has no body, whatever length it says", setup, async () => {
  await using server = serveRaw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", OK);
  const head = await ask(server.host, { method: "HEAD" });
  assert.deepEqual([head.headers.get("content-length"), await head.text()], ["5", ""]);
  assert.equal(await (await ask(server.host)).text(), "ok");
});

Deno.test("bytes of a header come through as they are", setup, async () => {
  await using server = serveRaw('HTTP/1.1 200 OK\r\nx-file: "é €.js"\r\ncontent-length: 0\r\n\r\n', OK);
  const answer = await ask(server.host);
  const text = new TextDecoder().decode(Uint8Array.from(answer.headers.get("x-file") ?? "", (c) => c.charCodeAt(0)));
  assert.equal(text, '"é €.js"');
  assert.equal(await (await ask(server.host, { headers: [["x-file", "é€"]] })).text(), "ok");
  assert.match(
    server.seen[1] ?? "",
    /x-file: \ufffd\?/,
    "é is one byte, and what is not in Latin-1 no other character",
  );
});

Deno.test("what could be read in two ways is refused, and its connection used no more", setup, async () => {
  const wrong = [
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nx: 1\r\n folded: 2\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nx : 1\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nx: a\nset-cookie: b\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
    "HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n",
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`,
    "HTTP/1.1 200 OK\r\ncontent-le|CLOSE",
  ];
  await using server = serveRaw(...wrong, OK);
  for (const answer of wrong) await assert.rejects(ask(server.host), UpstreamError, answer.slice(0, 80));
  assert.equal(server.connections(), wrong.length);
  assert.equal(await (await ask(server.host)).text(), "ok");
});

Deno.test("a body that breaks off, or chunks that are none, fail the stream", setup, async () => {
  const wrong = [
    "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\nabc|CLOSE",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n|CLOSE",
  ];
  await using server = serveRaw(...wrong);
  for (const answer of wrong) await assert.rejects((await ask(server.host)).text(), answer);
});

Deno.test("bytes after an answer are nobody's: the connection ends", setup, async () => {
  await using server = serveRaw(`${OK}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison`, OK);
  assert.equal(await (await ask(server.host)).text(), "ok");
  assert.equal(await (await ask(server.host)).text(), "ok");
  assert.equal(server.connections(), 2);
});

Deno.test(
  "a kept connection that was closed meanwhile: what is repeatable is sent again, the rest fails",
  setup,
  async () => {
    await using server = serveRaw(OK, "CLOSE", OK, "CLOSE");
    await (await ask(server.host)).text();
    assert.equal(await (await ask(server.host)).text(), "ok");
    await assert.rejects(ask(server.host, { method: "POST", isRepeatable: false }), UpstreamError);
    assert.equal(server.seen.length, 4);
  },
);

Deno.test("a stream is sent in chunks or by its length, and never longer or shorter than it said", setup, async () => {
  const stream = (...texts: string[]) => ReadableStream.from(texts.map((text) => new TextEncoder().encode(text)));
  await using echo = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async ({ headers, body }) => {
    const framing = headers.get("content-length") ?? headers.get("transfer-encoding");
    return new Response(`${framing} ${await new Response(body).text()}`);
  });
  const post = async (body: ReadableStream<Uint8Array>, length: number | null) =>
    await (await ask(`http://127.0.0.1:${echo.addr.port}`, { method: "POST", body, length })).text();
  assert.equal(await post(stream("abc", "", "defg"), null), "chunked abcdefg");
  assert.equal(await post(stream("abc", "", "defg"), 7), "7 abcdefg");
  await using other = serveRaw();
  const wrong = (texts: string[], length: number) =>
    ask(other.host, { method: "POST", body: stream(...texts), length, timeoutMs: 300 });
  await assert.rejects(wrong(["ab"], 3), /less than it announced/);
  await assert.rejects(wrong(["GET / HTTP/1.1\r\n\r\n"], 3), /more than it announced/);
  assert.ok(!other.seen.join("").includes("GET /"), "what was too much was sent");
});

Deno.test("an early answer to a large body comes through", setup, async () => {
  await using server = serveRaw("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
  const endless = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(new Uint8Array(1000));
    },
  });
  const answer = await ask(server.host, { method: "POST", body: endless, length: null });
  assert.deepEqual([answer.status, await answer.text()], [413, "big"]);
});

Deno.test("who does not answer in time, or is not there, is an UpstreamError of its kind", setup, async () => {
  await using silent = serveRaw("|");
  await assert.rejects(ask(silent.host, { timeoutMs: 50 }), { name: "UpstreamError", kind: "timeout" });
  await using stalling = serveRaw("HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\nabc|");
  const answer = await ask(stalling.host, { timeoutMs: 100 });
  await assert.rejects(answer.text());
  await assert.rejects(ask("http://127.0.0.1:9"), { name: "UpstreamError", kind: "unreachable" });
});
