/**
 * Proves that `@google-cloud/pubsub` works inside a cell over real gRPC, and only reaches addresses that `egress.allow`
 * opens.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { createServiceAccount } from "../kit/fakes/fake_google.ts";
import { startFakePubsub } from "../kit/fakes/fake_pubsub.ts";
import { startPackagePlugin } from "./package_plugin.ts";

Deno.test("@google-cloud/pubsub creates a topic and publishes to it over gRPC", async () => {
  await using pubsub = await startFakePubsub();
  await using plugin = await startPackagePlugin("pubsub", {
    config: { endpoint: pubsub.address, topicId: "events" },
    attachments: { googleCloudKeyJson: createServiceAccount().keyFile },
    egress: [`127.0.0.1:${pubsub.port}`],
  });
  await Promise.all(["one", "ünï"].map((event) => plugin.onEvent({ event })));
  const messages = pubsub.topics.get("projects/project/topics/events") ?? [];
  assert.deepEqual(messages.map(({ text }) => JSON.parse(text).event).sort(), ["one", "ünï"]);
  assert.deepEqual(messages[0]?.attributes, { kind: "event" });
  await eventually("the log has arrived", () => plugin.logs.length === 3);
  assert.deepEqual(plugin.logs.toSorted(), ["Creating PubSub Topic - events", "published id-1", "published id-2"]);
  await plugin.call("method", "teardownPlugin");
});

Deno.test("@google-cloud/pubsub reaches nothing on this machine that egress does not open", async () => {
  await using pubsub = await startFakePubsub();
  await assert.rejects(
    startPackagePlugin("pubsub", {
      config: { endpoint: pubsub.address, topicId: "events" },
      attachments: { googleCloudKeyJson: createServiceAccount().keyFile },
      deadlineMs: 3000,
    }),
  );
  assert.equal(pubsub.topics.size, 0);
});
