/**
 * Proves that `hogpen.schema.json` is up to date, and that the example configuration is valid and shows every field.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { configJsonSchema, SCHEMA_FILE } from "../../../host/config/json_schema.ts";
import { parseConfig } from "../../../host/config/read_config.ts";
import { loadPlugin } from "../../../host/loader/load_plugin.ts";

const EXAMPLE = new URL("../../../hogpen.example.json", import.meta.url);

async function readExample() {
  const env = {
    EXPORT_SECRET: "s",
    POSTHOG_PROJECT_API_KEY: "phc_there",
    WAREHOUSE_URL: "postgres://user:password@localhost/warehouse",
    WEBHOOK_SECRET: `whsec_${btoa("x".repeat(32))}`,
  };
  return await parseConfig(
    await Deno.readTextFile(EXAMPLE),
    fileURLToPath(EXAMPLE),
    { timeoutSeconds: 30, memoryMb: 256 },
    (name) => (env as Record<string, string>)[name],
  );
}

Deno.test("hogpen.schema.json is what `deno task schema` writes", async () => {
  assert.deepEqual(JSON.parse(await Deno.readTextFile(SCHEMA_FILE)), JSON.parse(JSON.stringify(configJsonSchema())));
});

Deno.test("configJsonSchema() allows references to the environment for texts, but not for types", () => {
  const schema = JSON.stringify(configJsonSchema());
  assert.ok(schema.includes('"token":{"description":"What SDKs send as api_key","anyOf":['));
  assert.ok(schema.includes('"type":{"type":"string","const":"posthog"}'));
});

Deno.test("hogpen.example.json can be used, and its plugins load", async () => {
  const { projects } = await readExample();
  const sources = projects.flatMap(({ plugins }) => plugins.map(({ source }) => source));
  for (const source of sources) {
    if (typeof source === "string" && source.startsWith("https:")) continue;
    assert.match((await loadPlugin(source)).revision, /^[0-9a-f]{64}$/);
  }
});

Deno.test("hogpen.example.json shows every field of projects and plugins and every type of destination", async () => {
  const text = await Deno.readTextFile(EXAMPLE);
  const fields = ["name", "anonymizeIps", "enabled", "order", "config", "attachments", "timeoutSeconds", "memoryMb"];
  for (const field of [...fields, "upstream", "assets_host", "egress", "cell", "inline", "filter", "$env", "$schema"]) {
    assert.ok(text.includes(`"${field}":`), field);
  }
  const types = (await readExample()).projects.flatMap(({ destinations }) => destinations.map(({ type }) => type));
  assert.deepEqual([...new Set(types)].sort(), ["ndjson", "postgres", "posthog", "webhook"]);
});
