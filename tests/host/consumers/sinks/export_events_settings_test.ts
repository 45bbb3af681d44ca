/** Proves that the export settings in a plugin's config are read with PostHog's defaults and bounds. */

import assert from "node:assert/strict";
import { readExportEventsSettings } from "../../../../host/consumers/sinks/export_events_settings.ts";

Deno.test("readExportEventsSettings() has PostHog's defaults", () => {
  const { bufferUnits, bufferSeconds, ignore } = readExportEventsSettings({});
  assert.deepEqual([bufferUnits, bufferSeconds, ignore.size], [20 * 1024 * 1024, 60, 0]);
});

Deno.test("readExportEventsSettings() reads strings as parseInt does and keeps them within bounds", () => {
  const read = (bytes: unknown, seconds: unknown) => {
    const settings = readExportEventsSettings({ exportEventsBufferBytes: bytes, exportEventsBufferSeconds: seconds });
    return [settings.bufferUnits, settings.bufferSeconds];
  };
  assert.deepEqual(read("10000", "1"), [10_000, 1]);
  assert.deepEqual(read("10.9 MB", "5s"), [10, 5]);
  assert.deepEqual(read("0", "0"), [1, 1]);
  assert.deepEqual(read("-5", "-5"), [1, 1]);
  assert.deepEqual(read("999999999999", "100000"), [100 * 1024 * 1024, 600]);
  assert.deepEqual(read("", "soon"), [20 * 1024 * 1024, 60]);
  assert.deepEqual(read(5000, 30), [5000, 30]);
});

Deno.test("readExportEventsSettings() trims the names to ignore", () => {
  const { ignore } = readExportEventsSettings({ exportEventsToIgnore: "default event, otherEvent ,$feature flag" });
  assert.deepEqual([...ignore], ["default event", "otherEvent", "$feature flag"]);
});

Deno.test("readExportEventsSettings() takes a list of names to ignore", () => {
  const { ignore } = readExportEventsSettings({ exportEventsToIgnore: ["one", " two ", ""] });
  assert.deepEqual([...ignore], ["one", "two"]);
});
