/** Proves that `TextBuffer` encodes texts as UTF-8 one after the other, while it grows and when it is reused. */

import assert from "node:assert/strict";
import { TextBuffer } from "../../runtime/text_buffer.ts";

Deno.test("TextBuffer holds texts one after the other as UTF-8, also when it has to grow", () => {
  const buffer = new TextBuffer(4);
  const texts = ["abc", "äöü", "", "–", "🦔".repeat(100)];
  const lengths = texts.map((text) => buffer.write(text));
  assert.deepEqual(lengths, [3, 6, 0, 3, 400]);
  assert.deepEqual(buffer.used, 412);
  assert.deepEqual(new TextDecoder().decode(buffer.written()), texts.join(""));
});

Deno.test("TextBuffer starts from nothing after clear()", () => {
  const buffer = new TextBuffer(4);
  buffer.write("abcdef");
  buffer.clear();
  assert.deepEqual(buffer.used, 0);
  buffer.write("g");
  assert.deepEqual(new TextDecoder().decode(buffer.written()), "g");
});
