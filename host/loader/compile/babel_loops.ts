/**
 * Babel plugin: gives `for(;;)`, `while` and `do…while` a look at the clock in every turn, so that a loop that does
 * not end fails with PostHog's message instead of costing the whole cell.
 *
 *     const _LP = __hogpen_loop.now();
 *     while (x) { __hogpen_loop.check(_LP, 3, 16); … }
 * @module
 */

import type { NodePath, PluginObject, types as t } from "@babel/core";
import { errorAt } from "./babel_modules.ts";

type Babel = typeof import("@babel/core");

/** The name under which the sandbox provides the clock to the code. */
export const LOOP_CLOCK = "__hogpen_loop";

export function loopsPlugin({ types }: Babel): PluginObject {
  const guarded = new WeakSet<t.Node>();
  let nextName = () => "_LP";

  const clock = (method: string, args: t.Expression[]) =>
    types.callExpression(types.memberExpression(types.identifier(LOOP_CLOCK), types.identifier(method)), args);

  function guard(path: NodePath<t.ForStatement | t.WhileStatement | t.DoWhileStatement>) {
    const loop = path.node;
    const start = loop.loc?.start;
    if (guarded.has(loop) || !start) return;
    guarded.add(loop);
    const name = types.identifier(nextName());
    const check = types.expressionStatement(
      clock("check", [
        types.cloneNode(name),
        types.numericLiteral(start.line),
        types.numericLiteral(start.column),
      ]),
    );
    const body = loop.body;
    if (body.type === "BlockStatement") body.body.unshift(check);
    else loop.body = types.blockStatement(body.type === "EmptyStatement" ? [check] : [check, body]);

    // The statement includes its labels, because `continue label` needs the label to stand at its loop.
    let statement: NodePath = path;
    while (statement.parentPath?.isLabeledStatement()) statement = statement.parentPath;
    statement.insertBefore(types.variableDeclaration("const", [types.variableDeclarator(name, clock("now", []))]));
  }

  return {
    name: "hogpen-loops",
    visitor: {
      Program(program, state) {
        nextName = unusedNames(state.file.code);
        if (/__hogpen_loop|\\u/.test(state.file.code)) renameOwnClock(program);
      },
      ForStatement: guard,
      WhileStatement: guard,
      DoWhileStatement: guard,
    },
  };
}

/** `_LP`, `_LP2`, …, without those that the code uses. Babel's generateUid would search from the start each time. */
function unusedNames(code: string): () => string {
  const used = new Set(code.match(/_LP\d*/g));
  let count = 0;
  return () => {
    for (;;) {
      const name = ++count === 1 ? "_LP" : `_LP${count}`;
      if (!used.has(name)) return name;
    }
  };
}

/** Renames a plugin's own variable of the clock's name; a free use of the name is refused. */
function renameOwnClock(program: NodePath<t.Program>) {
  program.traverse({
    Identifier(path) {
      if (path.node.name !== LOOP_CLOCK) return;
      const bound = path.scope.getBinding(LOOP_CLOCK);
      if (bound) bound.scope.rename(LOOP_CLOCK);
      else if (path.parentPath.isAssignmentExpression() || path.isReferencedIdentifier()) {
        throw errorAt(path, `Cannot use the name '${LOOP_CLOCK}': it is reserved`);
      }
    },
  });
}
