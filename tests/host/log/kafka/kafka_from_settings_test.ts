import assert from "node:assert/strict";
import { Producer } from "@platformatic/kafka";
import { UsageError } from "../../../../host/config/read_settings.ts";
import { parseBrokers } from "../../../../host/log/kafka/kafka_from_settings.ts";

Deno.test("parseBrokers() reads names and addresses with their ports", () => {
  assert.deepEqual(parseBrokers("kafka-1:9092, 10.0.0.2:1 ,[2001:db8::1]:65535,"), [
    { host: "kafka-1", port: 9092 },
    { host: "10.0.0.2", port: 1 },
    { host: "2001:db8::1", port: 65535 },
  ]);
});

Deno.test("parseBrokers() refuses ports that there are not, in any broker, and says which one", () => {
  for (const wrong of ["b:0", "b:65536", "b:99999", "b", "b:", ":9092", "::1:9092", "[b]:9092", "[::1]"]) {
    assert.throws(
      () => parseBrokers(`a:9092,${wrong}`),
      (error) => error instanceof UsageError && error.message.includes(`found ${JSON.stringify(wrong)}`),
      wrong,
    );
  }
  assert.throws(() => parseBrokers(" ,"), UsageError);
});

Deno.test("parseBrokers() gives an IPv6 address to which the client connects", { ignore: !hasIpv6() }, async () => {
  using listener = Deno.listen({ hostname: "::1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const bootstrapBrokers = parseBrokers(`[::1]:${port}`);
  const client = new Producer({ clientId: "test", bootstrapBrokers, retries: 0, connectTimeout: 60_000 });
  const asked = client.metadata({ topics: [] }).catch(() => {});
  (await listener.accept()).close();
  await asked;
  await client.close();
});

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}
