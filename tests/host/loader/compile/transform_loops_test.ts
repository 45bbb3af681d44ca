/** Proves that every loop that may not end gets a guard, and that the guard changes nothing else about the loop. */

import assert from "node:assert/strict";
import { TransformError, transformFile } from "../../../../host/loader/compile/transform.ts";
import { runCompiled } from "../../../kit/compiled_plugin.ts";

async function compile(code: string, path = "index.ts", others: string[] = []): Promise<string> {
  return (await transformFile({ path, code, paths: [path, ...others] })).code;
}

async function failure(code: string, path = "index.ts"): Promise<TransformError> {
  const error = await transformFile({ path, code, paths: [path] }).catch((error) => error);
  assert.ok(error instanceof TransformError, `Expected a TransformError, found ${error}`);
  return error;
}

Deno.test("TR-05 a for loop with a block starts a clock before it and looks at it first", async () => {
  assert.equal(
    await compile("for (let i = 0; i < i + 1; i++) {\n  console.log(i);\n}"),
    [
      "const _LP = __hogpen_loop.now();",
      "for (let i = 0; i < i + 1; i++) {",
      "  __hogpen_loop.check(_LP, 1, 0);",
      "  console.log(i);",
      "}",
    ].join("\n"),
  );
});

Deno.test("TR-06 a loop without a block gets one", async () => {
  assert.equal(
    await compile("for (let i = 0; i < i + 1; i++) console.log(i);"),
    [
      "const _LP = __hogpen_loop.now();",
      "for (let i = 0; i < i + 1; i++) {",
      "  __hogpen_loop.check(_LP, 1, 0);",
      "  console.log(i);",
      "}",
    ].join("\n"),
  );
  const { checks } = await runCompiled({ "index.js": "let n = 0;\n  while (n++ < 2);\n if (n) do n--; while (n);" });
  assert.deepEqual(checks, ["2:2", "2:2", "3:8", "3:8", "3:8"]);
});

Deno.test("TR-07 the clock of a loop has another name when the code uses it", async () => {
  const code = await compile("const _LP = 0; const _LP3 = 1; for (;;) {} while (1) {}");
  assert.match(code, /const _LP2 = __hogpen_loop\.now\(\);\nfor/);
  assert.match(code, /const _LP4 = __hogpen_loop\.now\(\);\nwhile/);
});

const SPINS = {
  "TO-01 while loop": ["while(1) {}", "3:16"],
  "TO-02 while loop without body": ["let i = 0;\n                while(1) i++;", "4:16"],
  "TO-03 while loop in a promise": ["Promise.resolve().then(() => {       while(1) {} })", "3:53"],
  "TO-04 do..while loop": ["do {} while (1);", "3:16"],
  "TO-05 do..while loop without body": ["let i = 0;\n                do i++; while (1);", "4:16"],
  "TO-06 do..while loop in a promise": ["Promise.resolve().then(() => {       do {} while (1) })", "3:53"],
  "TO-07 for loop": ["for(let i = 0; i < i + 1; i++) {}", "3:16"],
  "TO-08 for loop without body": ["let i = 0;\n                for(;;) i++;", "4:16"],
  "TO-09 for loop in a promise": ["Promise.resolve().then(() => {       for(;;) {} })", "3:53"],
} as const;
for (const [name, [loop, place]] of Object.entries(SPINS)) {
  Deno.test(`${name} is guarded with its line and column in the source`, async () => {
    const source = `\nasync function processEvent (event, meta) {\n                ${loop}\n}`;
    assert.match(await compile(source), new RegExp(`check\\(_LP, ${place.replace(":", ", ")}\\)`));
  });
}

Deno.test("transformFile() leaves for…of and for…in as they are", async () => {
  assert.doesNotMatch(await compile("for (const a of b) {} for (const c in d) {}"), /__hogpen_loop/);
});

Deno.test("transformFile() keeps labels, switch cases and per-iteration bindings of loops right", async () => {
  const { exports } = await runCompiled({
    "index.js": `
      const seen = [];
      outer: inner: for (let i = 0; i < 3; i++) {
        let j = 0;
        while (true) {
          if (j++ === 1) continue outer;
          if (i === 2) break outer;
          seen.push(i + ":" + j);
        }
      }
      const later = [];
      for (let i = 0; i < 3; i++) later.push(() => i);
      switch (1) { case 1: while (seen.length < 5) seen.push("x"); default: for (;;) { seen.push("y"); break } }
      if (seen) for (;;) break; else while (1);
      function* numbers() { let n = 0; while (n < 3) yield n++; }
      module.exports = { seen, later: later.map((f) => f()), numbers: [...numbers()] };`,
  });
  assert.deepEqual(exports, { seen: ["0:1", "1:1", "x", "x", "x", "y"], later: [0, 1, 2], numbers: [0, 1, 2] });
});

Deno.test("transformFile() renames a plugin's own variable of the clock's name and refuses a free one", async () => {
  const { checks } = await runCompiled({
    "index.js":
      "const __hogpen_loop = { check() { throw 1 } }; let n = 0; while (n++ < 2) { (function (__hogpen_loop) {})() }",
  });
  assert.equal(checks.length, 2);
  for (const code of ["__hogpen_loop = 1", "__hogpen_loop.check = 1", "\\u005f_hogpen_loop.now()"]) {
    assert.match(
      (await failure(code, "index.js")).message,
      /Cannot use the name '__hogpen_loop': it is reserved \(1:0\)/,
    );
  }
});
