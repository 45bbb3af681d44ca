/**
 * Proves that a destination's filter selects events by name and properties, and that no event is parsed without a
 * filter.
 */

import assert from "node:assert/strict";
import { createEventFilter } from "../../../host/destinations/event_filter.ts";

const encode = (event: unknown) => new TextEncoder().encode(JSON.stringify(event));

Deno.test("createEventFilter() is null when every event is wanted, so that none is parsed", () => {
  assert.equal(createEventFilter({}), null);
  assert.equal(createEventFilter({ properties: {} }), null);
});

Deno.test("createEventFilter() takes the names of the list", () => {
  const filter = createEventFilter({ events: ["$pageview", "größe"] });
  assert.ok(filter);
  assert.equal(filter(encode({ event: "$pageview" })), true);
  assert.equal(filter(new TextEncoder().encode(`{"event":"gr\\u00f6\\u00dfe"}`)), true);
  assert.equal(filter(encode({ event: "$pageleave", properties: { event: "$pageview" } })), false);
  assert.equal(filter(encode({ event: ["$pageview"] })), false);
  assert.equal(createEventFilter({ events: [] })?.(encode({ event: "$pageview" })), false);
});

Deno.test("createEventFilter() takes events that have all the properties", () => {
  const filter = createEventFilter({ properties: { plan: "pro", seats: 3, tags: ["a", { b: null }], gone: null } });
  assert.ok(filter);
  const properties = { plan: "pro", seats: 3, tags: ["a", { b: null }], gone: null, more: true };
  assert.equal(filter(encode({ properties })), true);
  for (const change of [{ plan: "Pro" }, { seats: "3" }, { tags: ["a"] }, { gone: undefined }]) {
    assert.equal(filter(encode({ properties: { ...properties, ...change } })), false);
  }
  assert.equal(filter(encode({})), false);
  assert.equal(createEventFilter({ properties: { toString: null } })?.(encode({ properties: {} })), false);
});

Deno.test("createEventFilter() wants both, name and properties", () => {
  const filter = createEventFilter({ events: ["paid"], properties: { plan: "pro" } });
  assert.equal(filter?.(encode({ event: "paid", properties: { plan: "pro" } })), true);
  assert.equal(filter?.(encode({ event: "paid", properties: { plan: "free" } })), false);
  assert.equal(filter?.(encode({ event: "seen", properties: { plan: "pro" } })), false);
});

Deno.test("createEventFilter() lets through what is no event, for the destination to reject it", () => {
  const filter = createEventFilter({ events: ["paid"] });
  assert.equal(filter?.(new TextEncoder().encode("{broken")), true);
  assert.equal(filter?.(encode([])), true);
});
