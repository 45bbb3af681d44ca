/**
 * Inspects a file of a plugin without running it: what it imports, and which config values it reads.
 * @module
 */

import type { NodePath, types as t } from "@babel/core";

/** Counted from 1, as in editors. */
export interface Place {
  line: number;
  column: number;
}

export interface InspectedCode {
  /** Modules by name; null for a `require` of a computed name. Imports of types only are left out. */
  imports: { name: string | null; place: Place }[];
  /** The `x` of `config.x` and of `{ x } = config`, where `config` comes from a plugin's meta. */
  configKeys: { name: string; place: Place }[];
  /** Names that it exports or declares at the top level. */
  names: { name: string; place: Place }[];
}

/** Throws Babel's SyntaxError, with `loc`. */
export async function inspectCode(path: string, code: string): Promise<InspectedCode> {
  const [babel, { default: typescript }] = await Promise.all([
    import("@babel/core"),
    import("@babel/preset-typescript"),
  ]);
  const found: InspectedCode = { imports: [], configKeys: [], names: [] };
  const { types } = babel;

  function placeOf(node: t.Node): Place {
    return { line: node.loc?.start.line ?? 1, column: (node.loc?.start.column ?? 0) + 1 };
  }
  function addImport(source: t.Node, statement: t.Node): void {
    const name = types.isStringLiteral(source) ? source.value : null;
    found.imports.push({ name, place: placeOf(statement) });
  }
  function addName(node: t.Node | null | undefined): void {
    if (types.isIdentifier(node)) found.names.push({ name: node.name, place: placeOf(node) });
  }

  babel.transformSync(code, {
    filename: `/${path}`,
    cwd: "/",
    root: "/",
    configFile: false,
    babelrc: false,
    browserslistConfigFile: false,
    inputSourceMap: false,
    highlightCode: false,
    code: false,
    sourceType: "unambiguous",
    presets: [[typescript, { ignoreExtensions: true, onlyRemoveTypeImports: false }]],
    plugins: [() => ({
      name: "hogpen-inspect",
      visitor: {
        Program: {
          // On exit, when type imports are gone.
          exit(program: NodePath<t.Program>) {
            for (const statement of program.node.body) {
              if (types.isImportDeclaration(statement)) {
                const { specifiers, source } = statement;
                const isUsed = specifiers.length === 0 ||
                  specifiers.some(({ local }) => program.scope.getBinding(local.name)?.referenced);
                if (isUsed) addImport(source, statement);
              } else if (types.isExportAllDeclaration(statement)) addImport(statement.source, statement);
              else if (types.isExportNamedDeclaration(statement) && statement.source) {
                addImport(statement.source, statement);
              }
              for (const name of declaredBy(statement)) addName(name);
            }
          },
        },
        CallExpression(call: NodePath<t.CallExpression>) {
          const [argument] = call.node.arguments;
          if (!types.isIdentifier(call.node.callee, { name: "require" }) || call.node.arguments.length !== 1) return;
          if (argument && !call.scope.hasBinding("require", { noGlobals: true })) addImport(argument, call.node);
        },
        MemberExpression(member: NodePath<t.MemberExpression>) {
          const { object, property, computed } = member.node;
          if (computed ? !types.isStringLiteral(property) : !types.isIdentifier(property)) return;
          if (!isConfig(object, member)) return;
          const name = types.isStringLiteral(property) ? property.value : (property as t.Identifier).name;
          // It is written to, or is a method of every object, so it is not a value that somebody configures.
          const isWritten = types.isAssignmentExpression(member.parent) && member.parent.left === member.node;
          if (!isWritten && !(name in {})) found.configKeys.push({ name, place: placeOf(property) });
        },
        VariableDeclarator(declarator: NodePath<t.VariableDeclarator>) {
          const { id, init } = declarator.node;
          if (!types.isObjectPattern(id) || !init || !isConfig(init, declarator)) return;
          for (const property of id.properties) {
            if (types.isObjectProperty(property) && types.isIdentifier(property.key) && !property.computed) {
              found.configKeys.push({ name: property.key.name, place: placeOf(property) });
            }
          }
        },
      },
    })],
  });
  return found;

  /** Whether the node is `meta.config`, or `config` destructured from a parameter. */
  function isConfig(node: t.Node, at: NodePath): boolean {
    if (types.isMemberExpression(node)) {
      return types.isIdentifier(node.object, { name: "meta" }) && types.isIdentifier(node.property, { name: "config" });
    }
    if (!types.isIdentifier(node, { name: "config" })) return false;
    const binding = at.scope.getBinding("config");
    return binding?.kind === "param" && binding.path.isObjectPattern();
  }

  function* declaredBy(statement: t.Statement): Generator<t.Node | null | undefined> {
    const declaration = types.isExportNamedDeclaration(statement) ? statement.declaration : statement;
    if (types.isFunctionDeclaration(declaration)) yield declaration.id;
    if (types.isVariableDeclaration(declaration)) { for (const { id } of declaration.declarations) yield id; }
    if (types.isExportNamedDeclaration(statement)) {
      for (const specifier of statement.specifiers) yield specifier.exported;
    }
    if (types.isExpressionStatement(statement) && types.isAssignmentExpression(statement.expression)) {
      const { left, right } = statement.expression;
      if (types.isMemberExpression(left) && !types.isIdentifier(left.object, { name: "module" })) yield left.property;
      if (types.isObjectExpression(right)) yield* keysOf(right);
    }
    if (types.isExportDefaultDeclaration(statement) && types.isObjectExpression(statement.declaration)) {
      yield* keysOf(statement.declaration);
    }
  }

  function* keysOf(object: t.ObjectExpression): Generator<t.Node> {
    for (const property of object.properties) if (!types.isSpreadElement(property)) yield property.key;
  }
}
