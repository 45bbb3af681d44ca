/**
 * Writes snapshots into the calls that asked for them.
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { types as t } from "@babel/core";

type Babel = typeof import("@babel/core");

export interface InlineSnapshot {
  /** Of the call, counted from 1. */
  line: number;
  column: number;
  text: string;
}

const NAMES = /^(?:toMatchInlineSnapshot|toThrowErrorMatchingInlineSnapshot)$/;
const require = createRequire(import.meta.url);

/** Changes only the arguments; the file is otherwise left as it is. */
export function writeInlineSnapshots(path: string, snapshots: readonly InlineSnapshot[]): void {
  const code = readFileSync(path, "utf8");
  const edits: { start: number; end: number; text: string }[] = [];
  const byLine = Map.groupBy(snapshots, ({ line }) => line);
  visitCalls(path, code, (call, name) => {
    const snapshot = byLine.get(name.loc?.start.line ?? 0)?.shift();
    if (snapshot === undefined) return;
    const indent = /^[^\S\n]*/.exec(code.split("\n")[snapshot.line - 1] ?? "")![0];
    const literal = literalOf(snapshot.text, indent);
    const last = call.arguments.at(-1);
    const replaced = last?.type === "TemplateLiteral" || last?.type === "StringLiteral" ? last : undefined;
    if (replaced) edits.push({ start: replaced.start!, end: replaced.end!, text: literal });
    else edits.push({ start: call.end! - 1, end: call.end! - 1, text: last === undefined ? literal : `, ${literal}` });
  });
  edits.sort((a, b) => b.start - a.start);
  writeFileSync(
    path,
    edits.reduce((text, { start, end, text: literal }) => text.slice(0, start) + literal + text.slice(end), code),
  );
}

function visitCalls(path: string, code: string, visit: (call: t.CallExpression, name: t.Identifier) => void): void {
  const { parseSync, traverse, types } = require("@babel/core") as Babel;
  const { default: typescript } = require("@babel/preset-typescript");
  const ast = parseSync(code, {
    filename: path,
    configFile: false,
    babelrc: false,
    sourceType: "unambiguous",
    presets: /\.[cm]?tsx?$/.test(path) ? [typescript] : [],
  });
  traverse(ast as t.File, {
    CallExpression({ node }) {
      const { callee } = node;
      if (!types.isMemberExpression(callee) || !types.isIdentifier(callee.property)) return;
      if (NAMES.test(callee.property.name)) visit(node, callee.property);
    },
  });
}

function literalOf(text: string, indent: string): string {
  const escaped = text.replaceAll(/`|\\|\$\{/g, "\\$&");
  if (!escaped.includes("\n")) return `\`${escaped}\``;
  const lines = escaped.split("\n").map((line) => line === "" ? line : `${indent}  ${line}`);
  return `\`\n${lines.join("\n")}\n${indent}\``;
}
