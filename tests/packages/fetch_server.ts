/**
 * A server on loopback for tests of fetch, and code that fetches in a plugin.
 * @module
 */

import assert from "node:assert/strict";
import { deflateSync, gzipSync } from "node:zlib";
import { compiledPlugin } from "../kit/cells/sandbox_kit.ts";
import { RawCell } from "../kit/cells/raw_cell.ts";

/** What the server saw of a request. */
export interface Seen {
  method: string;
  headers: Record<string, string>;
  body: string;
}

/** Answers by path; anything else tells what was asked. */
export function startServer() {
  const ends: (() => void)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, searchParams, origin } = new URL(request.url);
    if (pathname === "/redirect") {
      const headers = { location: searchParams.get("to") ?? "/" };
      return new Response("moved", { status: Number(searchParams.get("status") ?? 302), headers });
    }
    if (pathname === "/gzip") {
      return new Response(new Uint8Array(gzipSync("packed")), { headers: { "content-encoding": "gzip" } });
    }
    if (pathname === "/deflate") {
      return new Response(new Uint8Array(deflateSync("deflated")), { headers: { "content-encoding": "deflate" } });
    }
    if (pathname === "/broken") return new Response("no gzip", { headers: { "content-encoding": "gzip" } });
    if (pathname === "/text") return new Response("x".repeat(Number(searchParams.get("length"))));
    if (pathname === "/latin1") {
      return new Response(new Uint8Array([0xe9]), { headers: { "content-type": "text/plain; charset=iso-8859-1" } });
    }
    if (pathname === "/status") return new Response(null, { status: Number(searchParams.get("is")) });
    if (pathname === "/slow") await new Promise<void>((resolve) => ends.push(resolve));
    if (pathname === "/stalled") {
      // Every reader goes away before it ends.
      return new Response(new ReadableStream({ start: (to) => to.enqueue(new TextEncoder().encode("first")) }));
    }
    const seen: Seen = {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    };
    return Response.json(seen, { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-origin", origin]] });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      for (const end of ends) end();
      await server.shutdown();
    },
  };
}

/** Runs code in a plugin, where `url` is the server's address, and gives what it returned. */
export async function inPlugin(url: string, code: string, head = "", deadlineMs = 20_000): Promise<unknown> {
  await using cell = new RawCell();
  const plugin = await compiledPlugin(
    `${head}\nexport async function processEvent(event) { const url = '${url}'; event.got = await (async () => { ${code} })(); return event }`,
  );
  const [loaded] = await cell.load([plugin], { egressAllow: ["127.0.0.1", "localhost"], deadlineMs });
  assert.ok(loaded && "capabilities" in loaded, JSON.stringify(loaded));
  const { event, error } = await cell.process();
  assert.equal(error, undefined);
  return event?.["got"];
}
