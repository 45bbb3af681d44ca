/**
 * Proves that a sink of every type is made from its options without opening a connection, and described without its
 * secrets.
 */

import assert from "node:assert/strict";
import { ZodError } from "zod";
import type { DestinationConfig } from "../../../host/config/config.ts";
import { createSink } from "../../../host/destinations/create_sink.ts";
import { describeDestination } from "../../../host/destinations/describe_destination.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const deps = { project: { id: 1, token: "phc_here" } };

function config(type: DestinationConfig["type"], options: Record<string, unknown>): DestinationConfig {
  return { id: "main", type, enabled: true, filter: {}, options };
}

const configs = [
  config("posthog", { host: "https://eu.i.posthog.com/private/path", api_key: "phc_secret" }),
  config("postgres", { url: "postgres://admin:s3cret@db.example:6432/app?password=s3cret", schema: "analytics" }),
  config("webhook", { url: "https://hooks.example/s3cret?token=s3cret", secret: SECRET, headers: { a: "s3cret" } }),
  config("ndjson", { path: "data/events.ndjson" }),
];

Deno.test("createSink() makes a sink of each type without opening anything", async () => {
  for (const destination of configs) {
    const { sink, batching, filter } = createSink(destination, deps);
    assert.ok(batching.maxEvents >= 100 && batching.maxBytes >= 1_000_000);
    assert.equal(filter, null);
    await sink[Symbol.asyncDispose]();
  }
});

Deno.test("createSink() takes batching and filter from the configuration", async () => {
  const batch = { max_events: 7, max_bytes: 2_000, max_wait_ms: 30 };
  const { sink, batching, filter } = createSink({
    ...config("ndjson", { path: "x.ndjson", batch }),
    filter: { events: ["paid"] },
  }, deps);
  assert.deepEqual(batching, { maxEvents: 7, maxBytes: 2_000, maxWaitMs: 30 });
  assert.equal(filter?.(new TextEncoder().encode(`{"event":"paid"}`)), true);
  assert.equal(filter?.(new TextEncoder().encode(`{"event":"seen"}`)), false);
  await sink[Symbol.asyncDispose]();
});

Deno.test("createSink() throws when the options are wrong", () => {
  assert.throws(
    () => createSink(config("webhook", { url: "https://hooks.example" }), deps),
    (error) => error instanceof ZodError,
  );
});

Deno.test("describeDestination() says where events go, without credentials", () => {
  assert.deepEqual(configs.map((destination) => describeDestination(destination).target), [
    "https://eu.i.posthog.com",
    "postgres://db.example:6432/app, table analytics.events",
    "https://hooks.example",
    "data/events.ndjson",
  ]);
  const shown = JSON.stringify(configs.map(describeDestination));
  assert.ok(!/s3cret|phc_secret|whsec|private|admin/.test(shown), shown);
});
