/**
 * Babel plugin that preserves the meaning of sloppy code. PostHog ran plugins in sloppy mode, while a sandbox evaluates
 * them in strict mode. Anything that strict mode would reject or do differently is rewritten to do the same; only
 * `with` is refused.
 * @module
 */

import type { NodePath, PluginObject, types as t } from "@babel/core";
import { errorAt } from "./babel_modules.ts";

type Babel = typeof import("@babel/core");

const RESERVED = ["implements", "interface", "let", "package", "private", "protected", "public", "static", "yield"];

/** Names that are provided to the code, and that a script may not declare again. */
const PROVIDED = ["require", "module", "exports"];

export function strictPlugin({ types }: Babel): PluginObject {
  function uniqueParameters(fn: NodePath<t.Function>) {
    const seen = new Set<string>();
    // Of several parameters with one name, the last one counts.
    for (const parameter of fn.node.params.toReversed()) {
      if (parameter.type !== "Identifier") continue;
      if (seen.has(parameter.name)) parameter.name = fn.scope.generateUid(parameter.name);
      seen.add(parameter.name);
    }
  }

  return {
    name: "hogpen-strict",
    visitor: {
      Program(program) {
        // `#!…` is only allowed at the very start, where the sandbox inserts code.
        program.node.interpreter = null;
        if (program.node.sourceType === "module") return;
        for (const name of PROVIDED) {
          const kind = program.scope.getOwnBinding(name)?.kind;
          if (kind === "let" || kind === "const") program.scope.rename(name);
        }
      },
      Scope({ scope }) {
        for (const name of RESERVED) if (scope.hasOwnBinding(name)) scope.rename(name);
      },
      ThisExpression(path) {
        if (!isSloppyFunctionThis(path)) return;
        const { loc } = path.node;
        const self = types.logicalExpression("??", types.thisExpression(), types.identifier("globalThis"));
        path.replaceWith(Object.assign(self, { loc }));
        path.skip();
      },
      NumericLiteral({ node }) {
        if (/^0\d/.test(String(node.extra?.raw))) delete node.extra;
      },
      StringLiteral({ node }) {
        if (/\\(?:[1-9]|0\d)/.test(String(node.extra?.raw))) delete node.extra;
      },
      UnaryExpression(path) {
        const { operator, argument } = path.node;
        if (operator !== "delete" || argument.type !== "Identifier") return;
        if (path.scope.hasBinding(argument.name, { noGlobals: true })) path.replaceWith(types.booleanLiteral(false));
        else path.node.argument = types.memberExpression(types.identifier("globalThis"), argument);
      },
      MemberExpression(path) {
        if (!path.get("object").isIdentifier({ name: "arguments" })) return;
        if (!path.get("property").isIdentifier({ name: "callee" }) || path.node.computed) return;
        const fn = path.findParent((parent) => parent.isFunction() && !parent.isArrowFunctionExpression());
        if (!fn?.isFunctionDeclaration() && !fn?.isFunctionExpression()) return;
        fn.node.id ??= path.scope.generateUidIdentifier("callee");
        path.replaceWith(types.cloneNode(fn.node.id));
      },
      AwaitExpression(path) {
        if (path.getFunctionParent() === null) {
          throw errorAt(path, "Cannot use 'await' at the top level: setupPlugin may");
        }
      },
      WithStatement(path) {
        throw errorAt(path, "Cannot use 'with': plugins run in strict mode");
      },
      FunctionDeclaration: uniqueParameters,
      FunctionExpression: uniqueParameters,
    },
  };
}

/**
 * Whether `this` is the global object in sloppy mode when the function is called without a receiver; in strict mode it
 * would be undefined.
 */
function isSloppyFunctionThis(path: NodePath): boolean {
  let inFunction = false;
  for (let parent = path.parentPath; parent; parent = parent.parentPath) {
    const { node } = parent;
    if (node.type === "ClassBody") return false;
    if (node.type === "Program") return inFunction && !isStrict(node.directives);
    if (node.type === "FunctionDeclaration" || node.type === "FunctionExpression" || node.type === "ObjectMethod") {
      inFunction = true;
      if (isStrict(node.body.directives)) return false;
    }
  }
  return false;
}

function isStrict(directives: t.Directive[] | null | undefined): boolean {
  return directives?.some(({ value }) => value.value === "use strict") ?? false;
}
