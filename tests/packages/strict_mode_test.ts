/**
 * Packages were not written for strict mode, in which they run here. No file of theirs may depend on what it refuses.
 * @module
 */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { type NodePath, parseSync, traverse, type types } from "@babel/core";
import { PROVIDED_MODULES } from "../../runtime/modules.ts";
import { UNDECLARED } from "../../sandbox/walls/packages/undeclared.ts";

Deno.test("no file of a package needs what strict mode refuses", () => {
  const require = createRequire(import.meta.url);
  for (const name of PROVIDED_MODULES) require(name);
  const files = Object.keys(require.cache).filter((path) => /\.c?js$/.test(path));
  assert.ok(files.length > 3000, `only ${files.length} files`);
  const faults = files.flatMap((path) => {
    const code = Deno.readTextFileSync(path).replace(/^#!.*/, "");
    // Of words and shapes, with no code but a table.
    const isTable = /faker\/lib\/locales\//.test(path);
    const found = isTable ? [] : undeclaredIn(code);
    return [...syntaxErrorsIn(code), ...found].map((fault) => `${path.replace(/.*node_modules\//, "")}: ${fault}`);
  });
  assert.deepEqual(faults, []);
});

function syntaxErrorsIn(code: string): string[] {
  try {
    new Function(`"use strict"; ${code}\n`);
    return [];
  } catch (error) {
    return [String(error)];
  }
}

/** Names that the code assigns to, and that nobody has declared. */
function undeclaredIn(code: string): string[] {
  const known = ["exports", "module", ...UNDECLARED];
  const found: string[] = [];
  const look = (
    { node, scope }: NodePath<types.AssignmentExpression | types.ForInStatement | types.ForOfStatement>,
  ) => {
    const { left } = node;
    if (left.type !== "Identifier" || known.includes(left.name) || scope.hasBinding(left.name, true)) return;
    found.push(`assigns to ${left.name}`);
  };
  const options = { sourceType: "script", babelrc: false, configFile: false } as const;
  const tree = parseSync(code, { ...options, parserOpts: { allowReturnOutsideFunction: true } });
  assert.ok(tree);
  // A file that is strict by its own directive has never run otherwise, and to resolve its names is what takes long
  // here.
  if (tree.program.directives.some(({ value }) => value.value === "use strict")) return [];
  traverse(tree, { AssignmentExpression: look, ForInStatement: look, ForOfStatement: look });
  return found;
}
