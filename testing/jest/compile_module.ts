/**
 * Compiles a module of a test to CommonJS: TypeScript, ES modules, and `jest.mock` above everything else.
 * @module
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { NodePath, PluginObject, types as t } from "@babel/core";

type Babel = typeof import("@babel/core");

/** Changes when the output for the same input does; part of the cache's key. */
const VERSION = 4;

const HOISTED = new Set(["mock", "unmock", "enableAutomock", "disableAutomock", "deepUnmock"]);

/** Code that CommonJS runs as it is needs no compiler. */
export function needsCompiling(path: string, code: string): boolean {
  if (/\.(?:[cm]?tsx?|jsx|mjs)$/.test(path)) return true;
  return /^\s*(?:import|export)\b/m.test(code) || /\bimport\s*\(|\bimport\.meta\b/.test(code) ||
    /\bjest\s*\.\s*(?:mock|unmock|enableAutomock|disableAutomock|deepUnmock)\b/.test(code);
}

export interface CompileOptions {
  cacheFolder: string | null;
  /**
   * Imports are loaded where they stand among the statements, as the code that TypeScript writes does; else before all
   * of them, as Babel's does.
   */
  inOrder: boolean;
}

/** Lines stay where they are. Compiled files are remembered in `cacheFolder`. Throws Babel's SyntaxError. */
export function compileModule(path: string, code: string, options: CompileOptions): string {
  const { cacheFolder, inOrder } = options;
  if (!needsCompiling(path, code)) return code;
  if (cacheFolder === null) return compile(path, code, inOrder);
  const key = createHash("sha256").update(`${VERSION}\0${inOrder}\0${path}\0${code}`).digest("hex");
  const cached = join(cacheFolder, `${key}.js`);
  if (existsSync(cached)) return readFileSync(cached, "utf8");
  const compiled = compile(path, code, inOrder);
  try {
    mkdirSync(cacheFolder, { recursive: true });
    const temporary = `${cached}.${crypto.randomUUID()}`;
    writeFileSync(temporary, compiled);
    renameSync(temporary, cached);
  } catch {
    // A cache that cannot be written is only slow.
  }
  return compiled;
}

const require = createRequire(import.meta.url);

function compile(path: string, code: string, inOrder: boolean): string {
  const babel = require("@babel/core") as Babel;
  const { default: typescript } = require("@babel/preset-typescript");
  const { default: commonjs } = require("@babel/plugin-transform-modules-commonjs");
  const isTypeScript = /\.[cm]?tsx?$/.test(path);
  const result = babel.transformSync(code, {
    filename: path,
    configFile: false,
    babelrc: false,
    browserslistConfigFile: false,
    sourceType: "unambiguous",
    retainLines: true,
    compact: false,
    highlightCode: false,
    parserOpts: { allowReturnOutsideFunction: true, ...(path.endsWith(".jsx") && { plugins: ["jsx"] }) },
    presets: isTypeScript ? [[typescript, { onlyRemoveTypeImports: false }]] : [],
    plugins: [() => globalsPlugin(babel), ...(inOrder ? [() => orderPlugin(babel)] : []), [commonjs, {
      allowTopLevelThis: true,
    }], () => hoistPlugin(babel)],
  });
  return result?.code ?? "";
}

/** What is imported of `@jest/globals` are the globals, so that `jest.mock` is known by its name. */
function globalsPlugin({ types }: Babel): PluginObject {
  return {
    name: "hogpen-jest-globals",
    visitor: {
      ImportDeclaration(statement: NodePath<t.ImportDeclaration>) {
        if (statement.node.source.value !== "@jest/globals") return;
        const { specifiers } = statement.node;
        const isPlain = specifiers.every((specifier) =>
          specifier.type === "ImportSpecifier" && types.isIdentifier(specifier.imported, { name: specifier.local.name })
        );
        if (isPlain) statement.remove();
      },
      // `import()` becomes a `require` that waits its turn.
      ImportExpression(expression, state) {
        const name = types.identifier("name");
        const load = types.callExpression(state.addHelper("interopRequireWildcard"), [
          types.callExpression(types.identifier("require"), [name]),
        ]);
        const resolved = types.callExpression(
          types.memberExpression(types.identifier("Promise"), types.identifier("resolve")),
          [expression.node.source],
        );
        expression.replaceWith(types.callExpression(types.memberExpression(resolved, types.identifier("then")), [
          types.arrowFunctionExpression([types.cloneNode(name)], load),
        ]));
      },
    },
  };
}

/** Puts what an import became back to where the import stood. */
function orderPlugin({ types }: Babel): PluginObject {
  const late: { source: string; before: t.Statement }[] = [];
  return {
    name: "hogpen-import-order",
    visitor: {
      Program: {
        enter({ node: { body } }: NodePath<t.Program>) {
          late.length = 0;
          const first = body.findIndex(runs);
          for (const [index, statement] of body.entries()) {
            if (!types.isImportDeclaration(statement) || first === -1 || index < first) continue;
            const before = body.slice(index).find(runs);
            if (before !== undefined) late.push({ source: statement.source.value, before });
          }
        },
      },
    },
    post({ ast: { program } }) {
      for (const { source, before } of late) {
        const load = program.body.find((each) => types.isVariableDeclaration(each) && loads(each, source));
        if (load === undefined || !program.body.includes(before)) continue;
        program.body.splice(program.body.indexOf(load), 1);
        program.body.splice(program.body.indexOf(before), 0, load);
      }
    },
  };

  /** Statements that only declare are there from the start. */
  function runs(statement: t.Statement): boolean {
    return types.isExpressionStatement(statement) || types.isVariableDeclaration(statement);
  }
  function loads({ declarations }: t.VariableDeclaration, source: string): boolean {
    let node: t.Node | null | undefined = declarations[0]?.init;
    while (types.isCallExpression(node)) {
      const argument: t.Node | undefined = node.arguments[0];
      if (types.isIdentifier(node.callee, { name: "require" })) {
        return types.isStringLiteral(argument, { value: source });
      }
      node = argument;
    }
    return false;
  }
}

function hoistPlugin({ types }: Babel): PluginObject {
  function isHoisted(statement: t.Statement): boolean {
    if (!types.isExpressionStatement(statement)) return false;
    let call: t.Node = statement.expression;
    let hoists = false;
    while (types.isCallExpression(call) && types.isMemberExpression(call.callee)) {
      const callee: t.MemberExpression = call.callee;
      hoists ||= types.isIdentifier(callee.property) && HOISTED.has(callee.property.name);
      call = callee.object;
    }
    const isJest = types.isIdentifier(call, { name: "jest" }) ||
      types.isMemberExpression(call) && types.isIdentifier(call.property, { name: "jest" });
    return hoists && isJest;
  }
  /** `const mockX = 1`, which a hoisted factory may use. */
  function isConstant(statement: t.Statement): boolean {
    return types.isVariableDeclaration(statement) &&
      statement.declarations.every(({ id, init }) =>
        types.isIdentifier(id) && /^mock/i.test(id.name) && (init == null || types.isLiteral(init))
      );
  }
  function hoist(block: { body: t.Statement[] }): void {
    if (!block.body.some(isHoisted)) return;
    const first = block.body.filter((statement) => isConstant(statement));
    const calls = block.body.filter(isHoisted);
    block.body = [...first, ...calls, ...block.body.filter((each) => !first.includes(each) && !calls.includes(each))];
  }
  return {
    name: "hogpen-jest-hoist",
    visitor: { BlockStatement: { exit: (block: NodePath<t.BlockStatement>) => hoist(block.node) } },
    // The imports of the file have become calls of `require` by now.
    post: ({ ast }) => hoist(ast.program),
  };
}
