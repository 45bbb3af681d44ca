/**
 * Proves that a cluster in which a role is missing says so, on a host that has another one.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { whyNoKafka } from "../kit/servers/kafka.ts";
import { startLogServers } from "../kit/servers/log_cluster.ts";
import { startTestService } from "../kit/service.ts";

const reason = await whyNoKafka();
if (reason !== null) console.log(`The test of a missing role is ignored: ${reason}`);

interface Listed {
  results: { id: string; url: string; this_host: boolean; alive: boolean; role: string }[];
  without_owner: { inbox: number[]; outbox: number[] };
}

Deno.test("a cluster without a host that delivers says whose partitions nobody owns", {
  ignore: reason !== null,
}, async () => {
  await using servers = await startLogServers();
  const env = {
    ...await servers.hostEnv(),
    HOGPEN_SECRET_KEY: "a key that all hosts have",
  };
  await using route = await startTestService({ env: { ...env, HOGPEN_ROLE: "route" } });
  const hosts = () => route.api<Listed>("/_hogpen/api/hosts");
  await eventually("it owns the inbox", async () => (await hosts()).without_owner.inbox.length === 0);
  const { results: [self], without_owner } = await hosts();
  assert.deepEqual(without_owner.outbox, [0, 1, 2, 3]);
  assert.deepEqual([self!.url, self!.this_host, self!.alive], [route.url, true, true]);

  await using _consume = await startTestService({ env: { ...env, HOGPEN_ROLE: "consume" } });
  await eventually("the outbox has an owner", async () => (await hosts()).without_owner.outbox.length === 0);
});
