import assert from "node:assert/strict";
import { type Broker, NetworkError, Producer } from "@platformatic/kafka";
import { guardClient } from "../../../../host/log/kafka/cluster/guard_client.ts";

Deno.test("guardClient() lets a request to a broker that has left the cluster fail, and does not throw", async () => {
  const client = guardClient(new Producer({ clientId: "test", bootstrapBrokers: ["127.0.0.1:1"] }));
  const gone = undefined as unknown as Broker;
  const error = await new Promise((resolve) => client.connections.get(gone, resolve));
  assert(error instanceof NetworkError);
  const refused = await new Promise((resolve) => client.connections.get({ host: "127.0.0.1", port: 1 }, resolve));
  assert(refused instanceof NetworkError, "others are asked as before");
  await client.close();
});
