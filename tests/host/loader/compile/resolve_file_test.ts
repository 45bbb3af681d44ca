/**
 * Proves that relative imports are resolved as TypeScript and Node resolve them, and never to a file the plugin does
 * not have.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isOwnFile, resolveFile } from "../../../../host/loader/compile/resolve_file.ts";

const PATHS = new Set([
  "index.ts",
  "src/a.ts",
  "src/a.js",
  "src/b.json",
  "src/c/index.js",
  "src/d.tsx",
  "src/e.mts",
  "src/f",
  "src/g.js",
  "src/g/index.ts",
]);

const CASES: [specifier: string, from: string, expected: string | null][] = [
  ["./src/a", "index.ts", "src/a.ts"],
  ["./a", "src/x.js", "src/a.js"],
  ["./a", "src/x.ts", "src/a.ts"],
  ["./a.js", "src/x.ts", "src/a.js"],
  ["./b", "src/x.ts", "src/b.json"],
  ["./b.json", "src/x.ts", "src/b.json"],
  ["./c", "src/x.ts", "src/c/index.js"],
  ["./c/", "src/x.ts", "src/c/index.js"],
  ["./d.js", "src/x.ts", "src/d.tsx"],
  ["./e.mjs", "src/x.ts", "src/e.mts"],
  ["./f", "src/x.ts", "src/f"],
  ["./g", "src/x.ts", "src/g.js"],
  ["./g/", "src/x.ts", "src/g/index.ts"],
  [".", "src/g/x.ts", "src/g/index.ts"],
  ["..", "src/x.ts", "index.ts"],
  ["../..", "src/g/x.ts", "index.ts"],
  ["/src/a", "src/g/x.ts", "src/a.ts"],
  ["../../index", "src/x.ts", null],
  ["./nothing", "index.ts", null],
  ["./src", "index.ts", null],
];

Deno.test("resolveFile() finds files by name, extension, folder and output name", () => {
  for (const [specifier, from, expected] of CASES) {
    assert.equal(resolveFile(specifier, from, PATHS), expected, `${specifier} from ${from}`);
  }
});

Deno.test("isOwnFile() tells paths from modules", () => {
  for (const specifier of [".", "..", "./a", "../a", "/a"]) assert.ok(isOwnFile(specifier), specifier);
  for (const specifier of ["pg", "@scope/a", ".hidden", "...", "node:fs", "https://a/b", ""]) {
    assert.ok(!isOwnFile(specifier), specifier);
  }
});

Deno.test("resolveFile() never answers with anything but one of the paths", () => {
  const part = fc.constantFrom("..", ".", "", "src", "a", "a.ts", "c", "index", "etc");
  const path = fc.array(part, { maxLength: 8 }).map((parts) => parts.join("/"));
  fc.assert(fc.property(path, path, (specifier, from) => {
    const found = resolveFile(specifier, from, PATHS);
    assert.ok(found === null || PATHS.has(found));
  }));
});
