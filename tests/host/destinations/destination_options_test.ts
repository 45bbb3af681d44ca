/** Proves that destination options are validated field by field, without repeating secrets in the messages. */

import assert from "node:assert/strict";
import { z } from "zod";
import { destinationOptions } from "../../../host/destinations/destination_options.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const valid = {
  posthog: { api_key: "phc_there" },
  postgres: { url: "postgres://user:password@db.example:5432/app" },
  webhook: { url: "https://hooks.example/x", secret: SECRET },
  ndjson: { path: "events.ndjson" },
};

type Type = keyof typeof destinationOptions;

/** `<field>: <message>` of each problem. */
function problems(type: Type, change: Record<string, unknown>): string[] {
  const { error } = destinationOptions[type].safeParse({ ...valid[type], ...change });
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

Deno.test("destinationOptions fill in defaults, and take their own output again", () => {
  for (const type of Object.keys(valid) as Type[]) {
    const options = destinationOptions[type].parse(valid[type]);
    assert.deepEqual(destinationOptions[type].parse(options), options);
    assert.ok(options.batch.max_events > 0);
  }
});

Deno.test("destinationOptions name the field that is wrong", () => {
  const wrong: [Type, Record<string, unknown>, RegExp][] = [
    ["posthog", { api_key: undefined }, /^api_key: /],
    ["posthog", { api_key: "phx_personal" }, /^api_key: expected a project API key \(phc_…\), found a personal one/],
    ["posthog", { host: "eu.i.posthog.com" }, /^host: expected an http or https address/],
    ["posthog", { host: "https://user:pass@eu.i.posthog.com" }, /^host: expected an address without user name/],
    ["posthog", { batch: { max_events: 0 } }, /^batch\.max_events: /],
    ["posthog", { apikey: "x" }, /apikey/],
    ["postgres", { url: "mysql://x" }, /^url: expected postgres:/],
    ["postgres", { table: `events"; drop table x` }, /^table: expected a lower-case name/],
    ["postgres", { schema: "Analytics" }, /^schema: /],
    ["webhook", { url: "ftp://x.example" }, /^url: /],
    ["webhook", { secret: "hunter2" }, /^secret: /],
    ["webhook", { secret: "whsec_AAAA" }, /^secret: /],
    ["webhook", { secret: [SECRET, "whsec_"] }, /^secret/],
    ["webhook", { headers: { "webhook-id": "x" } }, /^headers: expected no webhook-/],
    ["webhook", { headers: { "a b": "x" } }, /^headers\.a b: /],
    ["webhook", { headers: { "x-a": "line\nbreak" } }, /^headers\.x-a: /],
    ["webhook", { retry_seconds: [] }, /^retry_seconds: /],
    ["ndjson", { path: "" }, /^path: /],
    ["ndjson", { max_bytes: 10 }, /^max_bytes: /],
  ];
  for (const [type, change, expected] of wrong) {
    const found = problems(type, change);
    assert.equal(found.length, 1, `${type} ${JSON.stringify(change)}: ${found.join("; ")}`);
    assert.match(found[0] ?? "", expected);
  }
});

Deno.test("destinationOptions do not repeat a secret that is wrong", () => {
  assert.ok(!problems("webhook", { secret: "hunter2" }).join().includes("hunter2"));
  assert.ok(!problems("postgres", { url: "http://user:hunter2@x" }).join().includes("hunter2"));
});

Deno.test("destinationOptions can be written as JSON Schema", () => {
  for (const schema of Object.values(destinationOptions)) {
    assert.equal(z.toJSONSchema(schema, { io: "input" }).type, "object");
  }
});
