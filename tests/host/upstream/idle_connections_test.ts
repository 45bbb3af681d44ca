/**
 * Connections that are kept for the next request: what comes by one in the meantime is the answer to no request.
 */

import assert from "node:assert/strict";
import { eventually } from "../../kit/eventually.ts";
import { Connection } from "../../../host/upstream/http/connection.ts";
import { createPool, type Pool } from "../../../host/upstream/http/pool.ts";
import { readHead } from "../../../host/upstream/http/read_head.ts";
import { sendRequest } from "../../../host/upstream/http/send_request.ts";
import { toResponse } from "../../../host/upstream/http/to_response.ts";
import { serveRaw } from "../../kit/servers/raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const POISON = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";
// Kept connections and the timer that ends them outlive a test.
const setup = { sanitizeOps: false, sanitizeResources: false };

/** Asks by a connection of the pool if it has one, and only once. */
async function ask(pool: Pool, host: string, method = "GET"): Promise<Response> {
  const connection = pool.take(host) ?? await Connection.open(new URL(host));
  await sendRequest(connection, { host, path: "/", method, headers: [], body: null, length: 0 }, () => {});
  const head = await readHead(connection, method);
  return await toResponse(connection, head, (kept) => pool.give(host, kept), 60_000);
}

/** A pool for which no time passes: none of its connections is dropped because it was idle for long. */
function timelessPool(): Pool {
  return createPool(() => 0);
}

Deno.test("a body that comes late to an answer without one is not the next answer", setup, async (test) => {
  const bodiless: [method: string, answer: string][] = [
    ["HEAD", `HTTP/1.1 200 OK\r\ncontent-length: ${POISON.length}\r\n\r\n`],
    ["GET", `HTTP/1.1 204 No Content\r\ncontent-length: ${POISON.length}\r\n\r\n`],
    ["GET", `HTTP/1.1 304 Not Modified\r\ncontent-length: ${POISON.length}\r\n\r\n`],
    ["GET", OK],
  ];
  for (const [method, answer] of bodiless) {
    await test.step(`${method} ${answer.split("\r\n", 1)[0]}`, async () => {
      await using server = serveRaw(answer, OK, OK);
      const pool = timelessPool();
      await (await ask(pool, server.host, method)).text();
      await server.push(POISON);
      await eventually("the connection is closed", () => server.open() === 0);
      assert.equal(await (await ask(pool, server.host)).text(), "ok");
      assert.equal(await (await ask(pool, server.host)).text(), "ok");
      assert.equal(server.connections(), 2, "the second connection is kept");
    });
  }
});

Deno.test("a server that gives up an idle connection with 408 has answered nobody", setup, async () => {
  await using server = serveRaw(OK, OK);
  const pool = timelessPool();
  await (await ask(pool, server.host)).text();
  await server.push("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  await eventually("the connection is closed", () => server.open() === 0);
  assert.equal((await ask(pool, server.host)).status, 200);
});

Deno.test(
  "a connection that ends while it is idle is not used, so that nothing has to be sent twice",
  setup,
  async () => {
    await using server = serveRaw(OK, OK);
    const pool = timelessPool();
    await (await ask(pool, server.host)).text();
    await server.push("CLOSE");
    await eventually("the connection is closed", () => server.open() === 0);
    const answer = await ask(pool, server.host, "POST");
    assert.equal(await answer.text(), "ok");
  },
);

Deno.test("of several idle connections only the one that has ended is lost", setup, async () => {
  await using server = serveRaw("HTTP/1.1 200 OK\r\n|content-length: 2\r\n\r\nok", OK, OK, OK);
  const pool = timelessPool();
  await Promise.all([ask(pool, server.host), ask(pool, server.host)]);
  assert.equal(server.open(), 2);
  await server.push(POISON, 1);
  await eventually("one connection is closed", () => server.open() === 1);
  assert.equal(await (await ask(pool, server.host)).text(), "ok");
  assert.equal(server.connections(), 2);
});
