/** Proves that `plugin.schema.json` is up to date and describes every field that authors write. */

import assert from "node:assert/strict";
import { PLUGIN_SCHEMA_FILE, pluginJsonSchema } from "../../../../host/loader/manifest/json_schema.ts";

Deno.test("plugin.schema.json is what the schema of plugin.json gives: deno task schema writes it", async () => {
  assert.deepEqual(JSON.parse(await Deno.readTextFile(PLUGIN_SCHEMA_FILE)), pluginJsonSchema());
});

Deno.test("the schema of plugin.json describes every field that an author writes", () => {
  const { properties } = pluginJsonSchema() as { properties: Record<string, Record<string, unknown>> };
  const [list, object] = properties.config?.anyOf as [{ items: { properties: Record<string, unknown> } }, unknown];
  for (const [name, field] of [...Object.entries(properties), ...Object.entries(list.items.properties)]) {
    if (name !== "$schema") assert.equal(typeof (field as { description?: string }).description, "string", name);
  }
  assert(object !== undefined);
});
