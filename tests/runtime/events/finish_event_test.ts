/** Proves what the host sets, restores and refuses to change on an event that comes out of the last plugin. */

import { OriginalEvent } from "../../../runtime/events/original_event.ts";
import assert from "node:assert/strict";
import type { PluginEvent } from "../../../runtime/events/event.ts";
import { finishEvent, type PluginMarks } from "../../../runtime/events/finish_event.ts";

const NONE: PluginMarks = { succeeded: [], failed: [], deferred: [] };

function event(fields: Partial<PluginEvent> = {}): PluginEvent {
  return {
    uuid: "017d37c1-f285-0000-0e8b-e02d131925dc",
    event: "e",
    distinct_id: "d",
    team_id: 1,
    properties: {},
    ip: "1.2.3.4",
    site_url: null,
    now: "2021-10-29T01:00:00.000Z",
    ...fields,
  };
}

const originalOf = (given: PluginEvent) => new OriginalEvent(new TextEncoder().encode(JSON.stringify(given)));
const context = { teamId: 1, anonymizeIps: false, original: originalOf(event()) };

Deno.test("finishEvent() resolves the time, and keeps what it was made from", () => {
  const finished = finishEvent(
    event({ timestamp: "2021-10-30T03:02:00Z", sent_at: "2021-10-30T03:12:00Z" }),
    NONE,
    context,
  );
  assert.equal(finished.timestamp, "2021-10-29T00:50:00.000Z");
  assert.equal(finished.sent_at, "2021-10-30T03:12:00Z");
});
Deno.test("finishEvent() adds $ip unless it is there or addresses are anonymised", () => {
  assert.equal(finishEvent(event(), NONE, context).properties.$ip, "1.2.3.4");
  assert.equal(finishEvent(event({ properties: { $ip: "5.6.7.8" } }), NONE, context).properties.$ip, "5.6.7.8");
  assert.equal(finishEvent(event({ ip: null }), NONE, context).properties.$ip, undefined);
  const anonymous = finishEvent(event({ properties: { $ip: "5.6.7.8" } }), NONE, { ...context, anonymizeIps: true });
  assert.equal(anonymous.properties.$ip, undefined);
  assert.equal(anonymous.ip, null);
});
Deno.test("finishEvent() lists plugins when there is one to list", () => {
  assert.deepEqual(finishEvent(event({ ip: null }), NONE, context).properties, {});
  const marks = { succeeded: ["a (1)"], failed: [], deferred: ["b (2)"] };
  assert.deepEqual(finishEvent(event({ ip: null }), marks, context).properties, {
    $plugins_succeeded: ["a (1)"],
    $plugins_failed: [],
    $plugins_deferred: ["b (2)"],
  });
});
Deno.test("finishEvent() treats properties that plugins added as if the SDK had sent them", () => {
  const { properties } = finishEvent(event({ properties: { utm_source: "x" }, $set: { a: 1 } }), NONE, context);
  assert.deepEqual(properties.$set, { a: 1, utm_source: "x" });
  assert.deepEqual(properties.$set_once, { $initial_utm_source: "x" });
});
Deno.test("finishEvent() puts back what a plugin's fresh object lacks, but not the address", () => {
  const original = event({ ip: "9.9.9.9", timestamp: "2021-01-01T00:00:00Z" });
  const fresh = { properties: { a: 1 } } as unknown as PluginEvent;
  const finished = finishEvent(fresh, NONE, { ...context, original: originalOf(original) });
  assert.equal(finished.uuid, original.uuid);
  assert.equal(finished.distinct_id, "d");
  assert.equal(finished.event, "e");
  assert.equal(finished.team_id, 1);
  assert.equal(finished.ip, null);
  // The plugin dropped the client's time: it happened when it was received.
  assert.equal(finished.timestamp, original.now);
});
Deno.test("finishEvent() does not let a plugin move an event to another project, or name it endlessly", () => {
  const finished = finishEvent(event({ team_id: 2, event: "x".repeat(500) }), NONE, context);
  assert.equal(finished.team_id, 1);
  assert.equal(finished.event.length, 200);
});
