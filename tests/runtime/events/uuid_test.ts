/**
 * Proves that generated UUIDs sort by creation, also in a burst or when the clock goes back, and that any valid UUID is
 * parsed.
 */

import assert from "node:assert/strict";
import { createUuidGenerator, parseUuid } from "../../../runtime/events/uuid.ts";

Deno.test("UT-06 createUuidGenerator() begins with the time and counts within a millisecond from 0", () => {
  let now = 0x017d37c1f285;
  const uuid = createUuidGenerator(() => now);
  assert.match(uuid(), /^017d37c1-f285-7000-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(uuid(), /^017d37c1-f285-7001-/);
  now++;
  assert.match(uuid(), /^017d37c1-f286-7000-/);
});
Deno.test("createUuidGenerator() keeps the order in a burst, and when the clock goes back", () => {
  let now = 1_700_000_000_000;
  const uuid = createUuidGenerator(() => now);
  const uuids = Array.from({ length: 10_000 }, (_, i) => {
    if (i === 9_000) now -= 5_000;
    return uuid();
  });
  assert.deepEqual(uuids.toSorted(), uuids);
  assert.equal(new Set(uuids).size, uuids.length);
});
Deno.test("UT-02 UT-05 parseUuid() reads UUIDs of any version with and without dashes, and nothing else", () => {
  const uuid = "99aaab04-c1a5-0f3b-9d2e-8f4c5b6a7d8e";
  assert.equal(parseUuid(uuid), uuid);
  assert.equal(parseUuid(uuid.toUpperCase()), uuid);
  assert.equal(parseUuid(uuid.replaceAll("-", "")), uuid);
  for (const wrong of ["", "x", uuid.slice(1), `${uuid}0`, uuid.replace("9", "g")]) {
    assert.equal(parseUuid(wrong), null);
  }
});
