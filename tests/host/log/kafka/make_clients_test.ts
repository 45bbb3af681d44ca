import assert from "node:assert/strict";
import { makeProducer } from "../../../../host/log/kafka/cluster/make_clients.ts";
import { eventually } from "../../../kit/eventually.ts";
import { startKafka, whyNoKafka } from "../../../kit/servers/kafka.ts";
import { settingsFor } from "../../../kit/servers/kafka_settings.ts";

const ignore = await whyNoKafka() !== null;
const options = { ignore, sanitizeOps: false, sanitizeResources: false };

Deno.test("makeProducer() leaves no connection open when Kafka does not take the producer", options, async () => {
  await using kafka = await startKafka({ settings: { "transaction.max.timeout.ms": 1000 } });
  await using passage = passageTo(Number(kafka.brokers.split(":")[1]));
  const producer = makeProducer(settingsFor(`127.0.0.1:${passage.port}`), "router");
  await assert.rejects(producer);
  assert.notEqual(passage.made, 0);
  await eventually("all connections are closed", () => passage.open === 0);
});

/** Passes connections on to a port of this machine, and counts them. */
function passageTo(port: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const passage = {
    port: (listener.addr as Deno.NetAddr).port,
    made: 0,
    open: 0,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
  async function pass(connection: Deno.Conn): Promise<void> {
    passage.made++;
    passage.open++;
    const behind = await Deno.connect({ hostname: "127.0.0.1", port });
    const back = behind.readable.pipeTo(connection.writable).catch(() => {});
    await connection.readable.pipeTo(behind.writable).catch(() => {});
    passage.open--;
    await back;
  }
  const serving = (async () => {
    for await (const connection of listener) void pass(connection);
  })();
  return passage;
}
