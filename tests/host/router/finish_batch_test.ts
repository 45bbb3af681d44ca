/**
 * Proves what enters the outbox for each answer of a cell, and that a cell cannot change an event's project or
 * identity.
 */

import assert from "node:assert/strict";
import { encodeEvents } from "../../../host/router/encode_events.ts";
import { finishBatch } from "../../../host/router/finish_batch.ts";
import { Outcome } from "../../../runtime/protocol.ts";

const utf8 = new TextEncoder();

const ORIGINAL = {
  uuid: "017d37c1-f285-7000-8e8b-e02d131925dc",
  event: "e",
  distinct_id: "d",
  team_id: 1,
  properties: { a: 1 },
  ip: null,
  site_url: null,
  now: "2026-05-04T10:20:30.400Z",
};

/** What enters the outbox when one plugin answered with this text. */
async function finished(text: string, limits: { maxEventBytes?: number } = {}) {
  const original = { key: "d", event: utf8.encode(JSON.stringify(ORIGINAL)), cursor: "1", at: 0 };
  const plugin = { pluginConfigId: 1, mark: "Plugin (1)" };
  const routed = {
    survivors: [0],
    events: encodeEvents([{ event: utf8.encode(text) }]),
    runs: [{ plugin, outcomes: [Outcome.ok] }],
  };
  const [record] = await finishBatch([original], routed, { teamId: 1, anonymizeIps: false, deferred: [], ...limits });
  assert.ok(record);
  return { key: record.key, event: JSON.parse(new TextDecoder().decode(record.event)) };
}

Deno.test("finishBatch() takes the event as it came out, under the distinct_id that it has now", async () => {
  const { key, event } = await finished(JSON.stringify({ ...ORIGINAL, distinct_id: "other", properties: { b: 2 } }));
  assert.equal(key, "other");
  assert.deepEqual(event.properties, {
    b: 2,
    $plugins_succeeded: ["Plugin (1)"],
    $plugins_failed: [],
    $plugins_deferred: [],
  });
});

Deno.test("finishBatch() keeps the original, marked as failed, when a cell sent what is no event", async () => {
  const nested = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  for (const text of ["", "{", "null", "[]", '"text"', `{"event":"e","properties":{"0":1,"a":${nested}}}`]) {
    const { event } = await finished(text);
    assert.equal(event.uuid, ORIGINAL.uuid);
    assert.equal(event.properties.a, 1);
    assert.deepEqual(event.properties.$plugins_failed, ["Plugin (1)"]);
    assert.deepEqual(event.properties.$plugins_succeeded, []);
  }
});

Deno.test("finishBatch() keeps the original, marked as failed, when a plugin made more of it than the log takes", async () => {
  const text = JSON.stringify({ ...ORIGINAL, properties: { a: "a".repeat(1000) } });
  const { event } = await finished(text, { maxEventBytes: text.length - 1 });
  assert.equal(event.properties.a, 1);
  assert.deepEqual(event.properties.$plugins_failed, ["Plugin (1)"]);
  const { event: whole } = await finished(text, { maxEventBytes: text.length });
  assert.equal(whole.properties.a.length, 1000);
});

Deno.test("finishBatch() does not believe a cell about identity, and bounds what is kept in order by", async () => {
  const { key, event } = await finished(
    JSON.stringify({ team_id: 9, uuid: "x", distinct_id: "💻".repeat(5_000), properties: 1 }),
  );
  assert.equal(event.team_id, 1);
  assert.equal(event.uuid, ORIGINAL.uuid);
  assert.equal(event.event, "e");
  assert.equal(event.distinct_id, "💻".repeat(200));
  assert.equal(key, event.distinct_id);
});
