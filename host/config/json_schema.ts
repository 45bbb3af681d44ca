/**
 * The JSON Schema of hogpen.json, for editors. `deno task schema` writes it to hogpen.schema.json.
 * @module
 */

import { z } from "zod";
import { configSchema } from "./config_schema.ts";

/** Stands beside the repository's hogpen.json. */
export const SCHEMA_FILE = new URL("../../hogpen.schema.json", import.meta.url);

const ENV_REFERENCE = {
  type: "object",
  description: "A value from the environment",
  properties: { $env: { type: "string", minLength: 1, description: "Name of the variable" } },
  required: ["$env"],
  additionalProperties: false,
};

type Schema = { [key: string]: unknown };

/** The schema, with `{"$env": "NAME"}` allowed wherever a text may stand. */
export function configJsonSchema(): Schema {
  const schema = z.toJSONSchema(configSchema, { io: "input", target: "draft-7" }) as Schema;
  return {
    ...(withEnvReferences(schema) as Schema),
    title: "Configuration of Hogpen",
    definitions: { env: ENV_REFERENCE },
  };
}

function withEnvReferences(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withEnvReferences);
  if (typeof schema !== "object" || schema === null) return schema;
  const mapped: Schema = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, isPlain(key) ? value : withEnvReferences(value)]),
  );
  // The name of a type chooses the rest of the schema, so it has to stand in the file.
  if (mapped["type"] !== "string" || "const" in mapped) return mapped;
  const { description, default: preset, ...rest } = mapped;
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [rest, { $ref: "#/definitions/env" }],
  };
}

/** Values and names, not schemas. */
function isPlain(key: string): boolean {
  return ["const", "default", "enum", "examples", "propertyNames", "required"].includes(key);
}

if (import.meta.main) {
  await Deno.writeTextFile(SCHEMA_FILE, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}
