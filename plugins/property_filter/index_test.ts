import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

Deno.test("property_filter removes names, paths and patterns, and leaves the rest", async () => {
  await using plugin = await startPlugin(import.meta.dirname, {
    config: { properties: "gone, nested.deep.gone, utm_*, a.b, list.*.secret" },
  });
  const properties = await plugin.propertiesOf({
    gone: 1,
    kept: 1,
    nested: { gone: 1, deep: { gone: 1, kept: 1 } },
    utm_source: "x",
    not_utm_source: "x",
    "a.b": 1,
    list: { one: { secret: 1, kept: 1 }, two: null },
  });
  assert.deepEqual(properties, {
    kept: 1,
    nested: { gone: 1, deep: { kept: 1 } },
    not_utm_source: "x",
    list: { one: { kept: 1 }, two: null },
  });
});

Deno.test("property_filter removes person properties too, unless told otherwise", async () => {
  const event = {
    $set: { email: "a@b.co" },
    properties: { email: "a@b.co", $set: { email: "a@b.co", name: "A" }, $set_once: { email: "a@b.co" } },
  };
  await using both = await startPlugin(import.meta.dirname, { config: { properties: "email" } });
  const cleaned = await both.processEvent(structuredClone(event));
  assert.deepEqual(cleaned?.properties, { $set: { name: "A" }, $set_once: {} });
  assert.deepEqual(cleaned?.$set, {});
  await using events = await startPlugin(import.meta.dirname, {
    config: { properties: "email", personProperties: "No" },
  });
  const kept = await events.processEvent(structuredClone(event));
  assert.deepEqual(kept?.properties, { $set: { email: "a@b.co", name: "A" }, $set_once: { email: "a@b.co" } });
});

Deno.test("property_filter clears the address by default", async () => {
  await using plugin = await startPlugin(import.meta.dirname);
  const event = await plugin.processEvent({ ip: "1.2.3.4", properties: { $ip: "1.2.3.4", a: 1 } });
  assert.equal(event?.ip, null);
  assert.deepEqual(event?.properties, { a: 1 });
});

Deno.test("property_filter does not start without a name", async () => {
  await assert.rejects(startPlugin(import.meta.dirname, { config: { properties: " , " } }), /names none/);
});
