/**
 * Proves that text from elsewhere cannot steer a terminal, and is not changed otherwise.
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { printable, printableMessage } from "../../runtime/printable.ts";

Deno.test("printable() writes out what steers a terminal and leaves everything else", () => {
  assert.equal(
    printable("\x1b]0;title\x07 \x1b[2J\r\x9b1A\x7f"),
    "\\u001b]0;title\\u0007 \\u001b[2J\\u000d\\u009b1A\\u007f",
  );
  assert.equal(printable("a\u202eb\u2066c\u2028d"), "a\\u202eb\\u2066c\\u2028d");
  assert.equal(printable("tab\tand line\nGrüße 漢字 👋🏽 שלום"), "tab\tand line\nGrüße 漢字 👋🏽 שלום");
});

Deno.test("printable() keeps the meaning of JSON", () => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
    const text = printable(JSON.stringify(value));
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    assert.equal(printable(text), text);
  }));
});

Deno.test("printableMessage() keeps a message of several lines from looking like several messages", () => {
  assert.equal(printableMessage("first\nERROR second\n"), "first\n    ERROR second");
});
