/**
 * The rows of `test.each`, from lists or from a table in a template.
 * @module
 */

import { format } from "node:util";
import { format as pretty } from "pretty-format";

export interface EachRow {
  name: string;
  args: unknown[];
}

/** `table` is what `each` was called with. */
export function eachRow(table: unknown[], title: string): EachRow[] {
  const [first, ...values] = table;
  if (isTemplate(first)) return templateRows(first, values, title);
  if (!Array.isArray(first)) throw new TypeError("`.each` must be called with an Array or a template: `a | b`");
  return first.map((row, index) => {
    const args = Array.isArray(row) ? row : [row];
    return { name: fill(title, args, index), args };
  });
}

function isTemplate(value: unknown): value is TemplateStringsArray {
  return Array.isArray(value) && "raw" in value;
}

function templateRows(strings: TemplateStringsArray, values: unknown[], title: string): EachRow[] {
  // The names stand in the first line, before the first value.
  const names = (strings[0] ?? "").trim().split("\n")[0]!.split("|").map((name) => name.trim()).filter(Boolean);
  const rows: EachRow[] = [];
  for (let at = 0; at < values.length; at += names.length) {
    const row = Object.fromEntries(names.map((name, column) => [name, values[at + column]]));
    rows.push({ name: interpolate(title, row, rows.length), args: [row] });
  }
  return rows;
}

/** `%s`, `%p`, `%#` and the rest in turn; `$name` when the row is an object. */
function fill(title: string, args: unknown[], index: number): string {
  const [only] = args;
  if (args.length === 1 && typeof only === "object" && only !== null && /\$[\w.#]+/.test(title)) {
    title = interpolate(title, only as Record<string, unknown>, index);
  }
  let next = 0;
  return title.replaceAll(/%([%#$psdifjoO])/g, (whole, kind) => {
    if (kind === "%") return "%";
    if (kind === "#") return String(index);
    if (kind === "$") return String(index + 1);
    if (next >= args.length) return whole;
    const value = args[next++];
    return kind === "p" ? pretty(value, { maxDepth: 1, min: true }) : format(whole, value);
  });
}

function interpolate(title: string, row: Record<string, unknown>, index: number): string {
  return title.replaceAll(/\$(#|[\w$]+(?:\.[\w$]+)*)/g, (whole, path: string) => {
    if (path === "#") return String(index);
    const [name = "", ...steps] = path.split(".");
    if (!Object.hasOwn(row, name)) return whole;
    const value = steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown> | null)?.[step], row[name]);
    return typeof value === "string" ? value : pretty(value, { maxDepth: 1, min: true });
  });
}
