/**
 * Babel plugin that resolves every import, export-from, `require` and `import()` of a file at compile time, so that at
 * run time a sandbox is only asked for a provided module or a file of the plugin (runtime/modules.ts).
 * @module
 */

import type { NodePath, PluginObject, types as t } from "@babel/core";
import { isProvidedModule, notProvidedMessage } from "../../../runtime/modules.ts";
import { isPluginPackage } from "../../packages/package_groups.ts";
import { isOwnFile, resolveFile } from "./resolve_file.ts";

type Babel = typeof import("@babel/core");

export interface ModulesOptions {
  /** Path of the file being compiled. */
  path: string;
  paths: ReadonlySet<string>;
  /** Receives the paths of the plugin's own files that this one loads. */
  imports: Set<string>;
  /** Receives the packages that must be installed for it. */
  packages: Set<string>;
}

export function modulesPlugin(
  { types }: Babel,
  { path: from, paths, imports, packages }: ModulesOptions,
): PluginObject {
  function settle(specifier: string, at: NodePath): string {
    if (isOwnFile(specifier)) {
      const path = resolveFile(specifier, from, paths);
      if (path === null) throw errorAt(at, `Cannot import '${specifier}'! The plugin has no such file.`);
      imports.add(path);
      return `/${path}`;
    }
    const name = specifier.replace(/^node:/, "");
    if (!isProvidedModule(name)) throw errorAt(at, notProvidedMessage(specifier));
    if (isPluginPackage(name)) packages.add(name);
    return name;
  }

  function settleSource(statement: NodePath<t.ImportDeclaration | t.ExportAllDeclaration | t.ExportNamedDeclaration>) {
    const { source } = statement.node;
    if (source) statement.node.source = types.stringLiteral(settle(source.value, statement));
  }

  /**
   * A provided module is its own default export and its own namespace. The CommonJS plugin would copy it, or export it
   * before it is loaded, so these two forms become a plain `const x = require("m")`; named imports are left to that
   * plugin.
   */
  function requireWhole(statement: NodePath<t.ImportDeclaration>, program: NodePath<t.Program>) {
    const { specifiers, source } = statement.node;
    const whole = specifiers.filter(isWhole);
    if (whole.length === 0) return;
    const rest = specifiers.filter((specifier) => !isWhole(specifier));
    statement.replaceWith(types.importDeclaration(rest, types.cloneNode(source)));
    if (rest.length === 0) statement.remove();
    for (const { local } of whole) declareWhole(local, source.value, program);
  }

  function declareWhole(local: t.Identifier, module: string, program: NodePath<t.Program>) {
    program.scope.removeBinding(local.name);
    const load = types.callExpression(types.identifier("require"), [types.stringLiteral(module)]);
    const declaration = types.variableDeclaration("const", [types.variableDeclarator(types.cloneNode(local), load)]);
    for (const path of program.unshiftContainer("body", declaration)) program.scope.registerDeclaration(path);
  }

  /**
   * Splits `export * as x from "m"` and, for provided modules, `export { default as x } from "m"` into an import and an
   * export.
   */
  function splitExport(statement: NodePath<t.ExportNamedDeclaration>, program: NodePath<t.Program>) {
    const { source } = statement.node;
    if (!source) return;
    const isOwn = isOwnFile(source.value);
    for (const specifier of statement.node.specifiers) {
      const isNamespace = specifier.type === "ExportNamespaceSpecifier";
      if (!isNamespace && (isOwn || !isWhole(specifier))) continue;
      const local = program.scope.generateUidIdentifier("whole");
      if (isOwn) {
        const imported = types.importDeclaration([types.importNamespaceSpecifier(local)], types.cloneNode(source));
        for (const path of program.unshiftContainer("body", imported)) program.scope.registerDeclaration(path);
      } else declareWhole(local, source.value, program);
      statement.insertAfter(
        types.exportNamedDeclaration(null, [types.exportSpecifier(types.cloneNode(local), specifier.exported)]),
      );
      statement.node.specifiers = statement.node.specifiers.filter((other) => other !== specifier);
    }
    if (statement.node.specifiers.length === 0) statement.remove();
  }

  /**
   * Type imports of TypeScript files are already gone at this point. JavaScript that imports types gets the same
   * treatment.
   */
  function removeUnused(statement: NodePath<t.ImportDeclaration>): boolean {
    const { specifiers } = statement.node;
    if (specifiers.length === 0) return false;
    statement.node.specifiers = specifiers.filter(({ local }) => statement.scope.getBinding(local.name)?.referenced);
    return statement.node.specifiers.length === 0;
  }

  return {
    name: "hogpen-modules",
    visitor: {
      Program: {
        // On exit, but before the CommonJS plugin's own exit: unused imports may name anything.
        exit(program) {
          for (const statement of program.get("body")) {
            if (statement.isImportDeclaration() && removeUnused(statement)) {
              statement.remove();
            } else if (statement.isImportDeclaration()) {
              settleSource(statement);
              if (!isOwnFile(statement.node.source.value)) requireWhole(statement, program);
            } else if (statement.isExportAllDeclaration()) {
              settleSource(statement);
            } else if (statement.isExportNamedDeclaration()) {
              settleSource(statement);
              splitExport(statement, program);
            }
          }
        },
      },
      CallExpression(call) {
        const callee = call.get("callee");
        if (!callee.isIdentifier({ name: "require" }) || call.node.arguments.length !== 1) return;
        if (call.scope.hasBinding("require", { noGlobals: true })) return;
        const name = literalText(call.node.arguments[0]);
        call.node.arguments = [types.stringLiteral(settle(name ?? "undefined", call))];
      },
      ImportExpression(expression, state) {
        if (expression.scope.hasBinding("require", { noGlobals: true })) expression.scope.rename("require");
        // A forbidden import() is refused when it runs, as in PostHog, because only then is the name certain.
        const name = literalText(expression.node.source);
        const known = name !== null && (isOwnFile(name) || isProvidedModule(name.replace(/^node:/, "")));
        const argument = known ? types.stringLiteral(settle(name, expression)) : types.identifier("name");
        const load = types.callExpression(state.addHelper("interopRequireWildcard"), [
          types.callExpression(types.identifier("require"), [argument]),
          types.booleanLiteral(name === null || !isOwnFile(name)),
        ]);
        const resolved = types.callExpression(
          types.memberExpression(types.identifier("Promise"), types.identifier("resolve")),
          known ? [] : [expression.node.source],
        );
        expression.replaceWith(types.callExpression(types.memberExpression(resolved, types.identifier("then")), [
          types.arrowFunctionExpression(known ? [] : [types.identifier("name")], load),
        ]));
        expression.skip();
      },
      MetaProperty(meta) {
        // `import.meta` tells where a file is stored; a plugin's file is stored nowhere.
        if (meta.node.meta.name === "import") meta.replaceWith(types.objectExpression([]));
      },
    },
  };
}

/** A SyntaxError with its line and 0-based column after the message and the surrounding code below. */
export function errorAt(path: NodePath, message: string): Error {
  const start = path.node.loc?.start;
  const place = start ? ` (${start.line}:${start.column})` : "";
  return Object.assign(path.buildCodeFrameError(message + place, SyntaxError), start ? { loc: start } : {});
}

/** Whether the specifier is the default export or the namespace rather than a name. */
function isWhole(specifier: t.ImportDeclaration["specifiers"][number] | t.ExportSpecifier | t.ExportDefaultSpecifier) {
  if (specifier.type === "ImportSpecifier") return nameOf(specifier.imported) === "default";
  if (specifier.type === "ExportSpecifier") return nameOf(specifier.local) === "default";
  return true;
}

function nameOf(name: t.Identifier | t.StringLiteral): string {
  return name.type === "Identifier" ? name.name : name.value;
}

function literalText(node: t.Node | undefined): string | null {
  if (node?.type === "StringLiteral") return node.value;
  if (node?.type === "TemplateLiteral" && node.expressions.length === 0) return node.quasis[0]?.value.cooked ?? null;
  return null;
}
