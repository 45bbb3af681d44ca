/**
 * Proves that frames survive any fragmentation of the byte stream, and that a frame with an impossible length is
 * refused.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeBatch,
  decodeFrame,
  encodeBatchFrame,
  encodeFrame,
  encodeJsonFrame,
  FrameReader,
} from "../../runtime/frames.ts";

const frame = fc.record({
  kind: fc.integer({ min: 0, max: 255 }),
  id: fc.integer({ min: 0, max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

Deno.test("FrameReader gives back the frames that were written, however the bytes arrive", () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (frames, cuts) => {
        const bytes = new Uint8Array(frames.flatMap(({ kind, id, payload }) => [...encodeFrame(kind, id, payload)]));
        const reader = new FrameReader(1000);
        const read = [];
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const size = cuts[cut % cuts.length]!;
          read.push(...reader.push(bytes.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(
          read.map(decodeFrame).map(({ kind, id, payload }) => ({ kind, id, payload: [...payload] })),
          frames.map((each) => ({ ...each, payload: [...each.payload] })),
        );
      },
    ),
  );
});

Deno.test("FrameReader refuses a length out of bounds before it keeps a byte", () => {
  const header = (length: number) => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, length, true);
    return bytes;
  };
  for (const length of [0, 4, 97, 0xffffffff]) {
    assert.throws(
      () => new FrameReader(100).push(header(length)),
      /^RangeError: Cannot read a frame of \d+ bytes: expected 5 to 96$/,
    );
  }
  assert.deepEqual(new FrameReader(100).push(header(96)), []);
});

Deno.test("a batch comes back as header and body", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.uint8Array(), (header, body) => {
    const { payload, kind, id } = decodeFrame(encodeBatchFrame(3, 7, header, body));
    const batch = decodeBatch(payload);
    assert.deepEqual([kind, id, batch.header, [...batch.body]], [3, 7, JSON.parse(JSON.stringify(header)), [...body]]);
  }));
});

Deno.test("decodeBatch() refuses a header longer than the payload", () => {
  for (const bytes of [[], [1, 0, 0], [9, 0, 0, 0, 123, 125]]) {
    const { payload } = decodeFrame(encodeFrame(3, 1, new Uint8Array(bytes)));
    assert.throws(() => decodeBatch(payload), /Cannot read a batch: its header takes/);
  }
});

Deno.test("a JSON frame carries its value", () => {
  const { payload } = decodeFrame(encodeJsonFrame(1, 2, { a: "é" }));
  assert.deepEqual(JSON.parse(new TextDecoder().decode(payload)), { a: "é" });
});
