import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

Deno.test("hello_world greets the world by default", async () => {
  await using plugin = await startPlugin(import.meta.dirname);
  assert.deepEqual(await plugin.propertiesOf({ a: 1 }), { a: 1, hello: "world" });
});

Deno.test("hello_world greets as configured, also an event without properties", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { config: { greeting: "Dzień dobry" } });
  assert.deepEqual((await plugin.processEvent({ properties: undefined }))?.properties, { hello: "Dzień dobry" });
});
