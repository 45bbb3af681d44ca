/**
 * Proves that plugins of one cell share no connection: what one writes behind the end of its request is not in front of
 * another's, and one that keeps connections to itself leaves others some.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { eventOf, pluginOf, RawCell } from "../kit/cells/raw_cell.ts";

const decoder = new TextDecoder();
const OK = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

/** Answers each piece that arrives, unless it asks to be kept waiting, and keeps what came on each connection. */
function startServer() {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const connections = new Map<Deno.TcpConn, string>();
  let open = 0;
  async function serve(connection: Deno.TcpConn): Promise<void> {
    for await (const bytes of connection.readable) {
      const text = decoder.decode(bytes);
      connections.set(connection, (connections.get(connection) ?? "") + text);
      if (!text.startsWith("GET /wait")) await connection.write(OK);
    }
  }
  const serving = (async () => {
    for await (const connection of listener) {
      open++;
      serve(connection).catch(() => {}).finally(() => open--);
    }
  })();
  return {
    origin: `http://127.0.0.1:${listener.addr.port}`,
    get open() {
      return open;
    },
    get received() {
      return [...connections.values()];
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

async function loadTwo(cell: RawCell, first: string, second: string): Promise<void> {
  const plugins = [first, second].map((code, index) =>
    pluginOf(`exports.processEvent = async (event) => { ${code}; return event }`, { pluginConfigId: index + 1 })
  );
  const loaded = await cell.load(plugins, { egressAllow: ["127.0.0.1"] });
  assert.ok(loaded.every((each) => "capabilities" in each), JSON.stringify(loaded));
}

Deno.test("half a request of one plugin does not swallow the request of another", async () => {
  await using server = startServer();
  await using cell = new RawCell();
  await loadTwo(
    cell,
    `const body = new (require('stream').PassThrough)();
    body.end('xPOST /notes HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 500\\r\\n\\r\\n');
    await (await fetch('${server.origin}/', { method: 'POST', body, headers: { 'content-length': '1' } })).text()`,
    `event.answer = await (await fetch('${server.origin}/', { headers: { authorization: 'secret' } })).text()`,
  );
  const { events } = await cell.batch([eventOf()], "processEvent", [0, 1]);
  assert.equal((events[0] as { answer?: unknown }).answer, "ok");
  const withSecret = server.received.filter((text) => text.includes("secret"));
  assert.deepEqual(withSecret.map((text) => text.includes("/notes")), [false]);
});

Deno.test("a plugin with more requests under way than there are connections leaves its neighbour some", async () => {
  await using server = startServer();
  await using cell = new RawCell();
  const hosts = ["127.0.0.1", "localhost"].map((host) => server.origin.replace("127.0.0.1", host));
  await loadTwo(
    cell,
    `for (let sent = 0; sent < 600; sent++) fetch(${JSON.stringify(hosts)}[sent % 2] + '/wait').catch(() => {})`,
    `event.answer = await (await fetch('${server.origin}/')).text()`,
  );
  await cell.batch([eventOf()], "processEvent", [0]);
  await eventually("the first has its share", () => server.open >= 200 || undefined);
  const { events } = await cell.batch([eventOf()], "processEvent", [1]);
  assert.equal((events[0] as { answer?: unknown }).answer, "ok");
  assert.ok(server.open > 200, `${server.open} connections are open`);
  cell.kill();
});
