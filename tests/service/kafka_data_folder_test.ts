/**
 * Proves that on Kafka, as on SQLite, one data folder is open in one process alone: a second one is refused, and with
 * HOGPEN_REUSE_PORT it waits for the first one to end.
 */

import assert from "node:assert/strict";
import { delay } from "../kit/delay.ts";
import { eventually } from "../kit/eventually.ts";
import { listenersOn } from "../kit/listeners.ts";
import { runCommand } from "../kit/run_command.ts";
import { whyNoKafka } from "../kit/servers/kafka.ts";
import { startLogServers } from "../kit/servers/log_cluster.ts";
import { startTestService } from "../kit/service.ts";

const reason = await whyNoKafka() ?? (Deno.build.os === "linux" ? null : "HOGPEN_REUSE_PORT is for Linux");
if (reason !== null) console.log(`The test of data folders on Kafka is ignored: ${reason}`);

Deno.test("a host on Kafka refuses the data folder of another one, or waits until that one ends", {
  ignore: reason !== null,
}, async () => {
  await using servers = await startLogServers();
  const env = {
    ...await servers.hostEnv(),
    HOGPEN_REUSE_PORT: "yes",
  };
  const flags = ["--unstable-net"];
  await using first = await startTestService({ env, flags });
  const data = `${first.folder}/data`;

  const refused = await runCommand(["start", "--port", "0", "--data", data], {
    env: { ...env, HOGPEN_REUSE_PORT: "no" },
  });
  assert.equal(refused.code, 1, refused.err);
  assert.match(refused.err, /^Cannot open the data folder \S+: another process has it open; stop that one/);

  const { port } = new URL(first.url);
  await first.capture({ api_key: "phc_local", event: "e", distinct_id: "me" });
  await first.events(1);
  let started = false;
  const starting = startTestService({ env: { ...env, HOGPEN_PORT: port, HOGPEN_DATA: data }, flags }).then((host) => {
    started = true;
    return host;
  });
  await eventually("both listen", async () => await listenersOn(port) === 2);
  await delay(1000);
  assert(!started, "the second one waits for the first");
  assert.equal((await first.end("SIGTERM")).code, 0);
  await using _second = await starting;
  await first.capture({ api_key: "phc_local", event: "e", distinct_id: "me" });
  assert.equal((await first.events(2)).length, 2);
});
