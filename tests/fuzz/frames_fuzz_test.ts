/**
 * Proves that whatever bytes a cell sends, the host reads frames that fit what it asked or ends the cell with a
 * CellProtocolError: no other error, and nothing that the host did not bound.
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { readBatchResult } from "../../host/cells/dispatch/batch_result.ts";
import {
  answerSchema,
  CellProtocolError,
  loadResultSchema,
  logBatchSchema,
  readMessage,
  serviceRequestSchema,
} from "../../host/cells/process/cell_messages.ts";
import { METHODS } from "../../runtime/capabilities.ts";
import { encodeBatchFrame, encodeFrame, FrameReader } from "../../runtime/frames.ts";
import { FRAME_HEADER_BYTES, FrameKind, Outcome, SERVICES } from "../../runtime/protocol.ts";
import { damaged, fuzzRuns, jsonWith } from "../kit/fuzz.ts";

const MAX_BYTES = 10_000;
const utf8 = new TextEncoder();

const frame = fc.tuple(fc.constantFrom(...Object.values(FrameKind)), fc.nat(), fc.uint8Array({ maxLength: 200 }))
  .map(([kind, id, payload]) => encodeFrame(kind, id, payload));
const stream = fc.array(frame, { maxLength: 6 }).map((frames) => Uint8Array.from(frames.flatMap((each) => [...each])));
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });

/** What a reader makes of the stream in pieces of these sizes: its frames, and whether it gave up. */
function readInPieces(bytes: Uint8Array, sizes: number[]): { frames: Uint8Array[]; refused: boolean } {
  const reader = new FrameReader(MAX_BYTES);
  const frames: Uint8Array[] = [];
  try {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      frames.push(...reader.push(bytes.subarray(at, at + size)));
      at += size;
    }
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    return { frames, refused: true };
  }
  return { frames, refused: false };
}

Deno.test("FrameReader reads the same frames however the stream is cut, and refuses lengths out of bounds alone", () => {
  fc.assert(
    fc.property(damaged(stream), sizes, (bytes, sizes) => {
      const { frames, refused } = readInPieces(bytes, sizes);
      const other = readInPieces(bytes, [1]);
      assert.equal(refused, other.refused);
      // A piece that ends in a refusal takes the frames that it completed with it.
      assert.deepEqual(frames, other.frames.slice(0, refused ? frames.length : undefined));
      let at = 0;
      for (const each of frames) {
        assert.deepEqual(each, new Uint8Array(bytes.subarray(at, at + each.length)));
        assert.ok(each.length >= FRAME_HEADER_BYTES && each.length <= MAX_BYTES);
        at += each.length;
      }
    }),
    { numRuns: fuzzRuns(500) },
  );
});

const SCHEMAS = {
  answer: answerSchema,
  "load result": loadResultSchema,
  "log batch": logBatchSchema,
  "service request": serviceRequestSchema,
};
const message = jsonWith(
  [
    ..."ok value error name message stack retry plugins capabilities methods jobs scheduled_tasks".split(" "),
    ..."entries dropped plugin source type at args cause id event".split(" "),
  ],
  [...METHODS, ...SERVICES.slice(0, 3), "PLUGIN", "CONSOLE", "LOG", 1, {}, []],
).map((value) => utf8.encode(JSON.stringify(value) ?? ""));

Deno.test("readMessage() gives a message of its shape or throws CellProtocolError", () => {
  fc.assert(
    fc.property(damaged(message), fc.constantFrom(...Object.keys(SCHEMAS)), (payload, what) => {
      const schema = SCHEMAS[what as keyof typeof SCHEMAS];
      try {
        schema.parse(readMessage(what, schema as typeof answerSchema, payload));
      } catch (error) {
        assert.ok(error instanceof CellProtocolError, String(error));
      }
    }),
    { numRuns: fuzzRuns(500) },
  );
});

const EVENTS = ['{"event":"a"}', '{"event":"b","properties":{}}', "{}"].map((text) => utf8.encode(text));
const ASKED = {
  lengths: EVENTS.map(({ length }) => length),
  body: Uint8Array.from(EVENTS.flatMap((each) => [...each])),
};
const lengths = fc.oneof(
  fc.array(fc.constantFrom(-1, 0, 2, 12), { minLength: EVENTS.length, maxLength: EVENTS.length }),
  fc.array(fc.integer({ min: -2, max: 12 }), { maxLength: 4 }),
);
const outcome = fc.constantFrom(...Object.values(Outcome), "x");
const header = fc.tuple(
  lengths,
  fc.array(fc.array(outcome, { maxLength: 4 }).map((line) => line.join("")), { maxLength: 2 }),
  fc.array(jsonWith(["event", "plugin", "error", "name", "message", "retry"], [0, 1, false]), { maxLength: 1 }),
  fc.boolean(),
);
/** Half of them fit what was asked, or nearly do. */
const result = fc.tuple(header, fc.uint8Array({ maxLength: 40 })).map(([[lengths, outcomes, errors, fits], noise]) => {
  const bytes = lengths.reduce((sum, length) => sum + Math.max(0, length), 0);
  const whole = fits
    ? { outcomes: [lengths.map((length) => length === 0 ? Outcome.dropped : Outcome.ok).join("")], errors: [], lengths }
    : { outcomes, errors, lengths };
  const body = fits ? new Uint8Array(bytes).fill(0x20) : noise;
  return encodeBatchFrame(FrameKind.BatchResult, 1, whole, body).subarray(FRAME_HEADER_BYTES);
});

Deno.test("readBatchResult() gives as many events and outcomes as were asked for or throws CellProtocolError", () => {
  let taken = 0;
  const runs = fuzzRuns(3000);
  fc.assert(
    fc.property(damaged(result), fc.constantFrom("processEvent", "onEvent"), (payload, fn) => {
      try {
        const read = readBatchResult(payload, { fn, chainLength: 1, events: ASKED });
        taken++;
        assert.deepEqual(read.outcomes.map((line) => line.length), [EVENTS.length]);
        assert.equal(read.events.lengths.length, EVENTS.length);
        assert.equal(read.events.body.length, read.events.lengths.reduce((sum, length) => sum + length, 0));
      } catch (error) {
        assert.ok(error instanceof CellProtocolError, String(error));
      }
    }),
    { numRuns: runs },
  );
  assert.ok(taken > 0, "no case was a result that fits");
});
