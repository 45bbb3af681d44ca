import assert from "node:assert/strict";
import fc from "fast-check";
import { PartitionTail } from "../../../../host/log/kafka/reading/partition_tail.ts";
import type { PlacedRecord } from "../../../../host/log/kafka/reading/record_codec.ts";

const MAX_BYTES = 5000;

Deno.test("PartitionTail holds the newest records of each project in order, and no more bytes than it may", () => {
  const batches = fc.array(
    fc.array(fc.record({ project: fc.integer({ min: 1, max: 3 }), bytes: fc.nat(2000) }), { maxLength: 20 }),
    { maxLength: 20 },
  );
  fc.assert(fc.property(batches, (batches) => {
    const tail = new PartitionTail(0);
    const all: PlacedRecord[] = [];
    for (const batch of batches) {
      const records = batch.map(({ project, bytes }, at) => ({
        project,
        key: "k",
        event: new Uint8Array(bytes),
        offset: all.length + at,
        at: 0,
      }));
      all.push(...records);
      tail.add(records, all.length);
      tail.shrink(MAX_BYTES);
      assert.ok(tail.bytes <= MAX_BYTES);
      assert.equal(tail.end, all.length);
      const held = all.slice(tail.start);
      for (const project of [1, 2, 3]) {
        const own = held.filter((record) => record.project === project);
        assert.deepEqual([...tail.from(project, 0)], own);
        const middle = own[own.length >> 1]?.offset ?? 0;
        assert.deepEqual([...tail.from(project, middle)], own.filter(({ offset }) => offset >= middle));
        assert.equal(tail.count(project, middle), own.filter(({ offset }) => offset >= middle).length);
      }
    }
  }));
});
