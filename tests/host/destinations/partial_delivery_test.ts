/**
 * Proves that splitting a refused batch finds the events at fault, rejects no others during an outage, and loses or
 * reorders nothing.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { TryLaterError } from "../../../host/consumers/sink.ts";
import { type Item, PartialDelivery, type PartOutcome } from "../../../host/destinations/partial_delivery.ts";
import type { StoredRecord } from "../../../host/log/event_log.ts";
import { manyRecords, storedRecords } from "../../kit/stored_records.ts";

/** Content of an event that no batch of the property test holds. */
const EARLIER = 1000;

const signal = new AbortController().signal;

/** A far side that keeps what it took, by index. */
class FarSide {
  readonly taken: number[] = [];
  requests = 0;
  poison = new Set<number>();
  breaking = new Set<number>();
  maxEvents = Infinity;
  isDown: () => boolean = () => false;

  readonly delivery = new PartialDelivery<number>({
    send: (part) => Promise.resolve(this.#send(part.map(({ content }) => content))),
    sizeOf: () => 1,
  });

  #send(part: number[]): PartOutcome {
    this.requests++;
    if (this.isDown()) return { kind: "broke", reason: "down" };
    if (part.length > this.maxEvents) return { kind: "too large", reason: "too many" };
    if (part.some((index) => this.breaking.has(index))) return { kind: "broke", reason: "crashed" };
    if (part.some((index) => this.poison.has(index))) return { kind: "refused", reason: "bad" };
    this.taken.push(...part);
    return { kind: "taken" };
  }

  deliver(records: StoredRecord[], firstIndex = 0) {
    return this.delivery.deliver(toItems(records, firstIndex), signal);
  }
}

function toItems(records: StoredRecord[], firstIndex: number): Item<number>[] {
  return records.map((record, index) => ({ index, record, content: firstIndex + index }));
}

/** Calls deliver until it resolves, as the consumer does. */
async function deliverAtLast(farSide: FarSide, records: StoredRecord[], attempts = 20) {
  for (let attempt = 1;; attempt++) {
    try {
      return await farSide.deliver(records);
    } catch (error) {
      if (!(error instanceof TryLaterError) || attempt === attempts) throw error;
    }
  }
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

Deno.test("PartialDelivery finds one refused event among 500 and delivers the others in order", async () => {
  const farSide = new FarSide();
  farSide.poison.add(321);
  assert.deepEqual(await farSide.deliver(manyRecords(500)), [{ index: 321, reason: "bad" }]);
  assert.deepEqual(farSide.taken, range(500).filter((index) => index !== 321));
  assert.ok(farSide.requests <= 20, `${farSide.requests} requests`);
});

Deno.test("PartialDelivery halves what is too large, and remembers the size for the next batch", async () => {
  const farSide = new FarSide();
  farSide.maxEvents = 30;
  assert.deepEqual(await farSide.deliver(manyRecords(100)), []);
  assert.deepEqual(farSide.taken, range(100));
  farSide.requests = 0;
  await farSide.deliver(manyRecords(100));
  assert.equal(farSide.requests, 4);
});

Deno.test("PartialDelivery rejects an event that is too large alone", async () => {
  const farSide = new FarSide();
  farSide.maxEvents = 0;
  assert.deepEqual(await farSide.deliver(manyRecords(2)), [{ index: 0, reason: "too many" }, {
    index: 1,
    reason: "too many",
  }]);
});

Deno.test("PartialDelivery goes on where it stopped, and keeps the rejections found before", async () => {
  const farSide = new FarSide();
  farSide.maxEvents = 10;
  farSide.poison.add(3);
  farSide.isDown = () => farSide.taken.length === 9;
  const records = manyRecords(40);
  await assert.rejects(farSide.deliver(records), TryLaterError);
  farSide.isDown = () => false;
  assert.deepEqual(await farSide.deliver(records), [{ index: 3, reason: "bad" }]);
  assert.deepEqual(farSide.taken, range(40).filter((index) => index !== 3));
});

Deno.test("PartialDelivery delivers a batch again in full when another one came in between", async () => {
  const farSide = new FarSide();
  farSide.maxEvents = 10;
  farSide.isDown = () => farSide.taken.length === 20;
  const records = manyRecords(40);
  await assert.rejects(farSide.deliver(records), TryLaterError);
  farSide.isDown = () => false;
  await farSide.deliver(records.slice(35));
  farSide.taken.length = 0;
  await farSide.deliver(records);
  assert.deepEqual(farSide.taken, range(40));
});

Deno.test("PartialDelivery rejects an event that breaks the far side each time, once others are taken", async () => {
  for (const guilty of [0, 1, 250, 498, 499]) {
    const farSide = new FarSide();
    farSide.breaking.add(guilty);
    const rejections = await deliverAtLast(farSide, manyRecords(500));
    assert.deepEqual(rejections, [{ index: guilty, reason: "crashed; it takes other events" }]);
    assert.deepEqual([...new Set(farSide.taken)].sort((a, b) => a - b), range(500).filter((index) => index !== guilty));
  }
});

Deno.test("PartialDelivery finds several breaking events side by side", async () => {
  const farSide = new FarSide();
  for (const guilty of [7, 8, 9, 11]) farSide.breaking.add(guilty);
  const rejections = await deliverAtLast(farSide, manyRecords(40), 40);
  assert.deepEqual(rejections.map(({ index }) => index), [7, 8, 9, 11]);
});

Deno.test("PartialDelivery rejects nothing in an outage, however long, and asks little", async () => {
  const farSide = new FarSide();
  farSide.isDown = () => true;
  const records = manyRecords(500);
  for (let attempt = 0; attempt < 30; attempt++) await assert.rejects(farSide.deliver(records), TryLaterError);
  assert.ok(farSide.requests <= 30 * 3, `${farSide.requests} requests`);
  farSide.isDown = () => false;
  assert.deepEqual(await farSide.deliver(records), []);
  assert.deepEqual(farSide.taken, range(500));
});

Deno.test("PartialDelivery rejects nothing when the outage returns during the search", async () => {
  const farSide = new FarSide();
  farSide.isDown = () => true;
  const records = manyRecords(100);
  for (let attempt = 0; attempt < 3; attempt++) await assert.rejects(farSide.deliver(records), TryLaterError);
  farSide.maxEvents = 20;
  farSide.isDown = () => farSide.taken.length > 0;
  for (let attempt = 0; attempt < 5; attempt++) await assert.rejects(farSide.deliver(records), TryLaterError);
  farSide.isDown = () => false;
  assert.deepEqual(await farSide.deliver(records), []);
  assert.deepEqual(farSide.taken, range(100));
});

Deno.test("PartialDelivery rejects nothing when the far side fails at random, every third time", async () => {
  const farSide = new FarSide();
  let state = 1;
  farSide.isDown = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state % 3 === 0;
  };
  farSide.maxEvents = 7;
  for (let start = 0; start < 3_000; start += 100) {
    const records = manyRecords(100).map((record, index) => ({ ...record, cursor: String(start + index) }));
    assert.deepEqual(await deliverAtLast(farSide, records, 200), []);
  }
});

Deno.test("PartialDelivery lets a lone breaking event wait: nothing shows that the far side is up", async () => {
  const farSide = new FarSide();
  farSide.breaking.add(0);
  await assert.rejects(deliverAtLast(farSide, manyRecords(1)), TryLaterError);
});

Deno.test("PartialDelivery loses nothing and keeps the order of each distinct_id, whatever the far side does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ user: fc.nat(3), kind: fc.constantFrom("good", "good", "good", "poison", "breaking") }), {
        minLength: 1,
        maxLength: 30,
      }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      async (events, maxEvents, outages) => {
        const farSide = new FarSide();
        farSide.maxEvents = maxEvents;
        // Something was taken once, so that there is always an event to ask the far side with.
        await farSide.deliver(manyRecords(1).map((record) => ({ ...record, cursor: "earlier" })), EARLIER);
        farSide.isDown = () => outages.shift() ?? false;
        for (const [index, { kind }] of events.entries()) {
          if (kind === "poison") farSide.poison.add(index);
          if (kind === "breaking") farSide.breaking.add(index);
        }
        const records = storedRecords(events.map(({ user }) => ({ distinct_id: `user-${user}` })));
        const rejected = (await deliverAtLast(farSide, records, 200)).map(({ index }) => index);
        const taken = [...new Set(farSide.taken)].filter((index) => index < EARLIER);
        assert.deepEqual([...new Set([...taken, ...rejected])].sort((a, b) => a - b), range(events.length));
        for (const user of [0, 1, 2, 3]) {
          const order = taken.filter((index) => events[index]?.user === user);
          assert.deepEqual(order, [...order].sort((a, b) => a - b));
        }
      },
    ),
    { numRuns: 500 },
  );
});
