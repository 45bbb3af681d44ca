/**
 * Proves that the name server of the attacks answers each query with the next of a name's addresses, as DNS rebinding
 * needs.
 */

import assert from "node:assert/strict";
import { answerTo } from "./name_server.ts";

/** A query for one name, as resolvers write it. */
function query(name: string, type: number): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return new Uint8Array([7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1]);
}

Deno.test("a name's addresses are answered in turn, each for its type", () => {
  const names = { "r-*": ["8.8.8.8", "127.0.0.1", "fdaa::5"] };
  const asked = new Map<string, number>();
  const last = (type: number, bytes: number) =>
    Array.from(answerTo(query("R-1.test", type), names, asked).slice(-bytes));
  assert.deepEqual([last(1, 4), last(1, 4), last(1, 4)], [[8, 8, 8, 8], [127, 0, 0, 1], [8, 8, 8, 8]]);
  assert.deepEqual(last(28, 16), [0xfd, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
});

Deno.test("other names do not exist, and a known one may lack addresses of a type", () => {
  const answer = (name: string, type: number) => answerTo(query(name, type), { here: ["8.8.8.8"] }, new Map());
  assert.equal(answer("there", 1)[3]! & 15, 3);
  const none = answer("here", 28);
  assert.deepEqual([none[3]! & 15, none[7]], [0, 0]);
});
