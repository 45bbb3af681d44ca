/**
 * Proves that a host on Kafka says what it shares with others and what it takes over, and that what is wrong with its
 * settings is named in one line, at once.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { runCommand } from "../kit/run_command.ts";
import { whyNoKafka } from "../kit/servers/kafka.ts";
import { startLogServers } from "../kit/servers/log_cluster.ts";
import { freePort } from "../kit/servers/server_process.ts";
import { startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

const reason = await whyNoKafka();
if (reason !== null) console.log(`The test of shared settings is ignored: ${reason}`);

Deno.test("what cannot be shared is named with its setting, and what is shared is said", {
  ignore: reason !== null,
}, async () => {
  await using servers = await startLogServers();
  await using folder = await temporaryFolder();
  const env = await servers.hostEnv();
  const nobody = `postgres://me:hush@127.0.0.1:${freePort()}/none`;
  const wrong: [Record<string, string>, number, RegExp][] = [
    [{ HOGPEN_KAFKA_PREFIX: "a b" }, 2, /^HOGPEN_KAFKA_PREFIX: found "a b", expected 1 to 200 of /],
    [{ HOGPEN_KAFKA_USERNAME: "me" }, 2, /^HOGPEN_KAFKA_SASL: found none with HOGPEN_KAFKA_USERNAME/],
    [
      { HOGPEN_KAFKA_SASL: "plain", HOGPEN_KAFKA_USERNAME: "me", HOGPEN_KAFKA_PASSWORD: "hush" },
      1,
      /^Cannot log in to Kafka at .* Check HOGPEN_KAFKA_SASL \(found plain\)/,
    ],
    [{ HOGPEN_KAFKA_REPLICATION: "3" }, 1, /^Cannot create the topic hogpen-inbox: found HOGPEN_KAFKA_REPLICATION=3/],
    [
      { DATABASE_URL: nobody, HOGPEN_KAFKA_PREFIX: "other-" },
      1,
      /^Cannot start without Postgres: .* Check DATABASE_URL/,
    ],
    [{ DATABASE_URL: nobody, HOGPEN_KAFKA: "" }, 1, /^Cannot use the store: Postgres at .* Check DATABASE_URL/],
  ];
  for (const [settings, code, message] of wrong) {
    const ran = await runCommand(["start", "--port", "0", "--data", folder.path], { env: { ...env, ...settings } });
    const lines = ran.err.trim().split("\n").filter((line) => !line.startsWith("See --help"));
    assert.equal(ran.code, code, ran.err);
    assert.match(lines.at(-1)!, message);
    assert(!ran.err.includes("hush") && !ran.err.includes("    at "), ran.err);
  }

  await using host = await startTestService({ env });
  assert.match(
    host.output(),
    /Role all; events in Kafka at 127\S+, topics hogpen-…, 4 partitions each; store in Postgres at 127/,
  );
  for (const topic of ["inbox", "outbox"]) {
    await eventually(
      "it says what it took over",
      () => host.output().includes(`Took over 4 of 4 partitions of hogpen-${topic}`),
    );
  }
});
