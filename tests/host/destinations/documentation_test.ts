/** Proves that docs/DESTINATIONS.md describes every option of every destination type with its default. */

import assert from "node:assert/strict";
import { destinationOptions } from "../../../host/destinations/destination_options.ts";

const text = await Deno.readTextFile(new URL("../../../docs/DESTINATIONS.md", import.meta.url));

Deno.test("docs/DESTINATIONS.md names every option of every type, and its default", () => {
  for (const [type, schema] of Object.entries(destinationOptions)) {
    const section = text.split(`\n## ${type}\n`)[1]?.split("\n## ")[0] ?? "";
    for (const [name, field] of Object.entries(schema.shape)) {
      const row = section.split("\n").find((line) => line.startsWith(`| \`${name}\` `));
      assert.ok(row, `${type}: no row for ${name}`);
      const { success, data } = field.safeParse(undefined);
      if (!success || name === "batch") continue;
      const shown = typeof data === "string" ? data : JSON.stringify(data).replaceAll(",", ", ");
      assert.ok(row.includes(shown), `${type}.${name}: ${shown} is not in ${row}`);
    }
    const batch = schema.shape.batch.parse(undefined);
    const megabytes = `${batch.max_bytes / 1_000_000} MB`;
    assert.match(section, new RegExp(`${batch.max_events} events, ${megabytes}, ${batch.max_wait_ms} ms`));
  }
});
