import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Broker, type Connection, NetworkError, Producer } from "@platformatic/kafka";
import { guardClient } from "../../../../host/log/kafka/cluster/guard_client.ts";

const sasl = { mechanism: "PLAIN" as const, username: "u", password: "p" };
/** The client's timer for a connection that never began outlives the test. */
const options = { sanitizeOps: false, sanitizeResources: false };

function ask(client: Producer, broker: Broker): Promise<unknown> {
  return new Promise((resolve) => client.connections.get(broker, resolve));
}

Deno.test("guardClient() lets a request to a broker that has left the cluster fail, and does not throw", async () => {
  const client = guardClient(new Producer({ clientId: "test", bootstrapBrokers: ["127.0.0.1:1"] }));
  assert(await ask(client, undefined as unknown as Broker) instanceof NetworkError);
  assert(await ask(client, { host: "127.0.0.1", port: 1 }) instanceof NetworkError, "others are asked as before");
  await client.close();
});

Deno.test("guardClient() lets a request to an address that cannot be one fail, each time", options, async () => {
  const client = guardClient(new Producer({ clientId: "test", bootstrapBrokers: ["127.0.0.1:1", "127.0.0.1:99999"] }));
  const broker = { host: "127.0.0.1", port: 99999 };
  assert(await ask(client, broker) instanceof NetworkError);
  assert(await ask(client, broker) instanceof NetworkError);
  await client.close();
});

Deno.test("guardClient() lets a connection be reset after it was refused", async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = guardClient(
    new Producer({ clientId: "test", bootstrapBrokers: [{ host: "127.0.0.1", port }], sasl, connectTimeout: 60_000 }),
  );
  const begun = once(client.connections, "connecting") as Promise<[{ connection: Connection }]>;
  const asked = ask(client, { host: "127.0.0.1", port });
  const [{ connection }] = await begun;
  // `once` would listen for errors too.
  const closed = new Promise<void>((resolve) => connection.on("close", resolve));
  const [broker] = await accepted;
  const [request] = await once(broker, "data") as [Buffer];
  const correlation = request.subarray(8, 12);
  broker.write(Uint8Array.of(0, 0, 0, 10, ...correlation, 0, UNSUPPORTED_MECHANISM, 0, 0, 0, 0));
  assert(await asked instanceof NetworkError);
  broker.resetAndDestroy();
  await closed;
  await client.close();
  server.close();
  await once(server, "close");
});

const UNSUPPORTED_MECHANISM = 33;
