/**
 * The JSON Schema of hogpen.json, for editors. `deno task schema` writes it to hogpen.schema.json.
 * @module
 */

import { z } from "zod";
import { configSchema } from "./config_schema.ts";

/** Next to the repository's hogpen.json. */
export const SCHEMA_FILE = new URL("../../hogpen.schema.json", import.meta.url);

const REFERENCE = {
  description: "A value that stands elsewhere",
  anyOf: [
    reference("$env", "Name of the variable of the environment"),
    reference("$file", "Path of the file, relative to this one"),
  ],
};

type Schema = { [key: string]: unknown };

function reference(key: string, description: string) {
  return {
    type: "object",
    properties: { [key]: { type: "string", minLength: 1, description } },
    required: [key],
    additionalProperties: false,
  };
}

/** The schema, with `{"$env": "NAME"}` and `{"$file": "path"}` allowed wherever a text is allowed. */
export function configJsonSchema(): Schema {
  const schema = z.toJSONSchema(configSchema, { io: "input", target: "draft-7" }) as Schema;
  return {
    ...(withReferences(schema) as Schema),
    title: "Configuration of Hogpen",
    definitions: { reference: REFERENCE },
  };
}

function withReferences(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withReferences);
  if (typeof schema !== "object" || schema === null) return schema;
  const mapped: Schema = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, isPlain(key) ? value : withReferences(value)]),
  );
  // The name of a type selects the rest of the schema, so it must be written in the file.
  if (mapped["type"] !== "string" || "const" in mapped) return mapped;
  const { description, default: preset, ...rest } = mapped;
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [rest, { $ref: "#/definitions/reference" }],
  };
}

/** Whether the key holds values and names rather than schemas. */
function isPlain(key: string): boolean {
  return ["const", "default", "enum", "examples", "propertyNames", "required"].includes(key);
}

if (import.meta.main) {
  await Deno.writeTextFile(SCHEMA_FILE, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}
