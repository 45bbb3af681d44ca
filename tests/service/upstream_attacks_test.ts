/**
 * Requests made to confuse what is between a client and PostHog, byte by byte through the real server. What stands for
 * PostHog keeps every byte that it is sent: one request must stay one request, for this host alone.
 */

import assert from "node:assert/strict";
import { startTestService } from "../kit/service.ts";

/** Answers whatever ends like a request, and keeps all that it was sent. */
function startRecorder() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let sent = "";
  const listening = (async () => {
    for await (const connection of listener) {
      void (async () => {
        const buffer = new Uint8Array(64 * 1024);
        for (let length = await connection.read(buffer); length !== null; length = await connection.read(buffer)) {
          sent += new TextDecoder("latin1").decode(buffer.subarray(0, length));
          await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        }
        connection.close();
      })().catch(() => {});
    }
  })();
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    /** What it was sent since the last call. */
    take() {
      const taken = sent;
      sent = "";
      return taken;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await listening;
    },
  };
}

/**
 * Sends these bytes by a connection of their own; the status line of the answer, "" when the connection ends without
 * one.
 */
async function sendRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
  const buffer = new Uint8Array(64 * 1024);
  const length = await connection.read(buffer).catch(() => null);
  return new TextDecoder().decode(buffer.subarray(0, length ?? 0)).split("\r\n", 1)[0] ?? "";
}

const HIDDEN = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";

Deno.test("nothing that a client sends gets to PostHog as more than the one request", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async (test) => {
  await using posthog = startRecorder();
  await using service = await startTestService({
    config: { projects: [{ id: 1, token: "phc_shop", upstream: { type: "posthog", host: `http://${posthog.host}` } }] },
  });
  const head = (line: string, ...headers: string[]) => [line, "host: shop.example", ...headers, "", ""].join("\r\n");
  const chunked = `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`;

  /** Heads of requests that the upstream was sent, each with its body. */
  async function heads(bytes: string): Promise<{ status: string; lines: string[]; all: string }> {
    const status = await sendRaw(service.url, bytes);
    const all = posthog.take();
    return { status, all, lines: all.split("\r\n") };
  }

  await test.step("a body has one length, whatever its head says", async () => {
    for (
      const bytes of [
        head("POST /api/x HTTP/1.1", "content-length: 5", "transfer-encoding: chunked") + chunked,
        head("POST /api/x HTTP/1.1", "transfer-encoding: chunked", "content-length: 5") + chunked,
        head("POST /api/x HTTP/1.1", `content-length: ${HIDDEN.length}`) + HIDDEN,
        head("POST /api/x HTTP/1.1", ...Array(2).fill(`content-length: ${HIDDEN.length}`)) + HIDDEN,
        head("POST /api/x HTTP/1.1", `content-length: ${HIDDEN.length}, ${HIDDEN.length}`) + HIDDEN,
        head("POST /api/x HTTP/1.1", `content-length: ${HIDDEN.length}`, "content-length: 3") + HIDDEN,
        head("POST /api/x HTTP/1.1", "content-length: +3") + HIDDEN,
      ]
    ) {
      const { status, all } = await heads(bytes);
      assert.match(status, / (200|400) /);
      if (all === "") continue;
      const [sentHead = "", ...rest] = all.split("\r\n\r\n");
      const body = rest.join("\r\n\r\n");
      const length = /content-length: (.*)/.exec(sentHead)?.[1];
      if (length === undefined) assert.equal(body, chunked, "in chunks as it came");
      else assert.equal(body.length, Number(length), all);
      assert.ok(!(length !== undefined && /transfer-encoding/.test(sentHead)), all);
    }
  });

  await test.step("a length that is said twice has the same bound", async () => {
    const length = `content-length: ${70 * 1024 * 1024}`;
    const { status, all } = await heads(head("POST /api/x HTTP/1.1", length, length));
    assert.deepEqual([status, all], ["HTTP/1.1 413 Payload Too Large", ""]);
  });

  await test.step("a request without a body is sent without one", async () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const { lines } = await heads(head(`${method} /api/x HTTP/1.1`));
      const framing = lines.filter((line) => /^(content-length|transfer-encoding):/.test(line));
      assert.deepEqual(framing, /^P/.test(method) ? ["content-length: 0"] : [], method);
    }
  });

  await test.step("no path leads events past the plugins", async () => {
    const event = '{"api_key":"phc_shop","event":"x","distinct_id":"d"}';
    for (
      const path of [
        "/%65/",
        "/batch%2F",
        "/i%2fv0%2fe",
        "/i/v0/%65?x=1",
        "/x%2f..%2fe/",
        "/%2fe",
        "/i/v0%2f%2fe",
        "/%ff/..%2fe",
      ]
    ) {
      const bytes = head(`POST ${path} HTTP/1.1`, `content-length: ${event.length}`) + event;
      const { status, all } = await heads(bytes);
      assert.deepEqual([status, all], ["HTTP/1.1 404 Not Found", ""], path);
    }
    for (const path of ["/%66lags/", "/%2565/", "/%zz"]) {
      assert.match((await heads(head(`GET ${path} HTTP/1.1`))).lines[0] ?? "", /^GET /, path);
    }
  });

  await test.step("a GET takes no body along, and announces none", async () => {
    const { all } = await heads(head("GET /api/x HTTP/1.1", `content-length: ${HIDDEN.length}`) + HIDDEN);
    assert.ok(!all.includes("hidden") && !/content-length/.test(all), all);
  });

  await test.step("paths and hosts lead to PostHog alone", async () => {
    const targets = [
      "/..//..//etc/passwd",
      "//evil.example/x",
      "/\\evil.example/x",
      "/@evil.example/x",
      "/.evil.example/x",
      "/x%0d%0ax-injected:%201",
      "/x%00y",
      "/api/x?url=http://169.254.169.254/",
      "http://evil.example/api/x",
      "http://user:password@evil.example/api/x",
    ];
    for (const target of targets) {
      const { status, lines } = await heads(head(`GET ${target} HTTP/1.1`));
      assert.match(status, / (200|400) /, target);
      if (lines[0] === "") continue;
      assert.match(lines[0] ?? "", /^GET \/[!-~]* HTTP\/1\.1$/, target);
      assert.equal(lines.filter((line) => /^host:/i.test(line)).join(), `host: ${posthog.host}`, target);
      assert.ok(!lines.some((line) => line.startsWith("x-injected")), target);
    }
  });

  await test.step("the operator's paths are not passed on, however they are written", async () => {
    for (const path of ["/_hogpen/api/projects", "/x/../_hogpen/api/projects", "//_hogpen//api/projects", "/metrics"]) {
      const { all } = await heads(head(`GET ${path} HTTP/1.1`));
      assert.equal(all, "", path);
    }
  });

  await test.step("odd hosts, methods and headers end in an answer", async () => {
    for (
      const bytes of [
        "GET /api/x HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nhost: evil.example/path?x#y\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nhost: [::1\r\n\r\n",
        "GET /e/?data=x HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /_hogpen/ HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /api/x HTTP/1.1\r\n\r\n",
        "GET /api/x HTTP/1.0\r\n\r\n",
        head("CONNECT evil.example:443 HTTP/1.1"),
        head("TRACE /api/x HTTP/1.1"),
        head("OPTIONS * HTTP/1.1"),
        head("GET /api/x HTTP/1.1", "x: a\0b"),
        head("GET /api/x HTTP/1.1", "x: \xff\xfe"),
        head("GET /api/x HTTP/1.1", "connection: host, x-forwarded-for, content-length, cookie"),
        head("GET /api/x HTTP/1.1", `x: ${"y".repeat(20_000)}`),
      ]
    ) {
      const status = await sendRaw(service.url, bytes);
      assert.match(status, /^HTTP\/1\.[01] (200|4\d\d)|^$/, `${bytes.slice(0, 60)}: ${status}`);
      const all = posthog.take();
      assert.ok(!/^(CONNECT|TRACE)/.test(all), all);
      if (all !== "") assert.match(all, new RegExp(`\r\nhost: ${posthog.host}\r\n`));
    }
    assert.equal((await fetch(`${service.url}/_health`)).status, 200);
    assert.ok(!service.output().includes("Cannot answer a request"), service.output());
  });
});
