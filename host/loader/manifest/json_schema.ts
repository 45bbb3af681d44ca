/**
 * The JSON Schema of plugin.json, for editors. `deno task schema` writes it to plugin.schema.json.
 * @module
 */

import { z } from "zod";
import { manifestSchema } from "./manifest.ts";

/** At the root of the repository. */
export const PLUGIN_SCHEMA_FILE = new URL("../../../plugin.schema.json", import.meta.url);

type Schema = { [key: string]: unknown };

/** The description that an editor shows for a field. */
const TOP: Record<string, string> = {
  name: "What lists show.",
  description: "One sentence on what it does.",
  url: "Where it comes from, or where to read more.",
  main: "The entry; index.js or index.ts when absent.",
  config: "The values that it asks for: a list of fields, or an object of fields by key.",
  publicJobs: "Jobs that the operator may start, with the fields of their payload.",
  schedule: "Cron expressions in UTC by the name of an exported function. Ours: PostHog did not have it.",
};
const FIELD: Record<string, string> = {
  key: "`meta.config[key]`, or `meta.attachments[key]`. A field without one is only shown.",
  name: "What the form says.",
  type:
    "multiline: text of several lines; boolean: yes or no; choice: one of `choices`; json: any JSON; dictionary: texts by name; attachment: a file.",
  default: "The value when the configuration leaves it out.",
  hint: "Shown under the field.",
  markdown: "Shown instead of a field.",
  order: "Ascending, in the object form.",
  required: "The plugin needs a value.",
  secret: "Never shown again, and hidden in logs.",
  choices: "What a field of type choice offers.",
  visible_if: "The field is shown when other fields have these values: a list of [key, value].",
  required_if: "The field is required when other fields have these values: a list of [key, value].",
};

/** What parseManifest accepts, with `config` as a list or as an object of fields by key. */
export function pluginJsonSchema(): Schema {
  const schema = z.toJSONSchema(manifestSchema, { io: "input", target: "draft-7", unrepresentable: "any" }) as Schema;
  const properties = schema.properties as Record<string, Schema>;
  const list = properties.config as Schema & { items: Schema };
  const fields = described(list.items.properties as Record<string, Schema>, FIELD);
  const { key: _, ...withoutKey } = fields;
  const config = {
    anyOf: [
      { ...list, items: { ...list.items, properties: fields } },
      { type: "object", additionalProperties: { ...list.items, properties: withoutKey } },
    ],
  };
  return {
    ...schema,
    title: "plugin.json of a PostHog app",
    properties: { $schema: { type: "string" }, ...described({ ...properties, config }, TOP) },
  };
}

function described(fields: Record<string, Schema>, words: Record<string, string>): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      words[name] === undefined ? field : { description: words[name], ...field },
    ]),
  );
}

if (import.meta.main) {
  await Deno.writeTextFile(PLUGIN_SCHEMA_FILE, `${JSON.stringify(pluginJsonSchema(), null, 2)}\n`);
}
