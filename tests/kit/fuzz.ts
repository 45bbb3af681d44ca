/**
 * What fuzz tests share: how many cases they run, and values as hostile as JSON can hold.
 * @module
 */

import { Buffer } from "node:buffer";
import fc from "fast-check";

/** How many cases: `short` in the tests, HOGPEN_FUZZ_RUNS under `deno task fuzz`. */
export function fuzzRuns(short: number): number {
  return Number(Deno.env.get("HOGPEN_FUZZ_RUNS") ?? short);
}

/** JSON values in which the given names and values turn up more often than others, among noise. */
export function jsonWith(names: string[], values: unknown[]): fc.Arbitrary<unknown> {
  const key = fc.oneof(fc.constantFrom(...names, "__proto__", "constructor", "toJSON"), fc.string());
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.constantFrom(...values, null, true, 0, -1, 1e308, 2 ** 53, "", "\0", "\ud800"),
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.double(),
      fc.array(tie("value"), { maxLength: 5 }),
      fc.dictionary(key, tie("value"), { maxKeys: 8 }),
    ),
  })).value;
}

/** The bytes, with some of them overwritten, cut off, repeated or put in. */
export function damaged(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const damage = fc.record({
    kind: fc.constantFrom("overwrite", "cut", "insert", "repeat"),
    at: fc.nat(),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0x80, 0xff)),
    length: fc.nat(40),
  });
  return fc.tuple(bytes, fc.array(damage, { maxLength: 4 })).map(([whole, damages]) => {
    let result = new Uint8Array(whole);
    for (const { kind, at: anywhere, byte, length } of damages) {
      const at = anywhere % (result.length + 1);
      const head = result.subarray(0, at);
      if (kind === "overwrite" && at < result.length) result[at] = byte;
      if (kind === "cut") result = new Uint8Array(head);
      if (kind === "insert") {
        result = new Uint8Array(Buffer.concat([head, new Uint8Array(length).fill(byte), result.subarray(at)]));
      }
      if (kind === "repeat") {
        result = new Uint8Array(Buffer.concat([result.subarray(0, at + length), result.subarray(at)]));
      }
    }
    return result;
  });
}
