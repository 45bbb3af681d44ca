/**
 * Snapshots beside a test file and inside of it, in Jest's format.
 * @module
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { format, plugins, type PrettyFormatOptions } from "pretty-format";
import { type InlineSnapshot, writeInlineSnapshots } from "./inline_snapshots.ts";

export interface SnapshotsOptions {
  testPath: string;
  /** Writes those that differ anew. */
  update: boolean;
  /** Without a person at hand, new snapshots are not written but fail. */
  ci: boolean;
  format: Record<string, unknown>;
}

export interface SnapshotAnswer {
  pass: boolean;
  expected: string;
  received: string;
  /** Why there is nothing to compare with. */
  reason?: string;
}

const HEADER = "// Jest Snapshot v1, https://goo.gl/fbAQLP";

export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #file: string;
  readonly #stored: Map<string, string>;
  readonly #counts = new Map<string, number>();
  readonly #used = new Set<string>();
  readonly #inline: InlineSnapshot[] = [];
  readonly #serializers: PrettyFormatOptions["plugins"] = [];
  #isChanged = false;
  written = 0;
  updated = 0;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#file = join(dirname(options.testPath), "__snapshots__", `${basename(options.testPath)}.snap`);
    this.#stored = readSnapshots(this.#file);
  }

  addSerializer(serializer: unknown): void {
    (this.#serializers as unknown[]).unshift(serializer);
  }

  /** Compares with the snapshot of the test that has the name; each of a test's snapshots has a number. */
  match(testName: string, received: unknown, hint: string | undefined): SnapshotAnswer {
    const name = hint ? `${testName}: ${hint}` : testName;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const key = `${name} ${count}`;
    this.#used.add(key);
    const text = withBreaks(this.#serialize(received));
    const stored = this.#stored.get(key);
    if (stored === text) return { pass: true, expected: stored, received: text };
    if (stored === undefined && this.#options.ci && !this.#options.update) {
      return { pass: false, expected: "", received: text, reason: notWritten(name) };
    }
    if (stored !== undefined && !this.#options.update) return { pass: false, expected: stored, received: text };
    this.#stored.set(key, text);
    this.#isChanged = true;
    stored === undefined ? this.written++ : this.updated++;
    return { pass: true, expected: text, received: text };
  }

  /** Compares with what stands in the call itself; `stack` says where that is. */
  matchInline(testName: string, received: unknown, inline: string | undefined, stack: string): SnapshotAnswer {
    const text = this.#serialize(received);
    const expected = inline === undefined ? undefined : stripIndent(inline);
    if (expected !== undefined && unbroken(expected) === unbroken(text)) {
      return { pass: true, expected, received: text };
    }
    if (expected === undefined && this.#options.ci && !this.#options.update) {
      return { pass: false, expected: "", received: text, reason: notWritten(testName) };
    }
    if (expected !== undefined && !this.#options.update) return { pass: false, expected, received: text };
    const place = placeIn(stack, this.#options.testPath);
    if (place === null) throw new Error("Cannot write an inline snapshot: the place of the call is not known");
    this.#inline.push({ ...place, text });
    expected === undefined ? this.written++ : this.updated++;
    return { pass: true, expected: text, received: text };
  }

  /** Writes what is new or changed. Snapshots of tests that are gone stay, unless all are updated. */
  save(): void {
    if (this.#options.update && [...this.#stored.keys()].some((key) => !this.#used.has(key))) {
      for (const key of this.#stored.keys()) if (!this.#used.has(key)) this.#stored.delete(key);
      this.#isChanged = true;
    }
    if (this.#isChanged) {
      mkdirSync(dirname(this.#file), { recursive: true });
      const entries = [...this.#stored].sort(([a], [b]) => naturalOrder(a, b))
        .map(([key, text]) => `exports[\`${escape(key)}\`] = \`${escape(text)}\`;`);
      writeFileSync(this.#file, `${[HEADER, ...entries].join("\n\n")}\n`);
    }
    if (this.#inline.length > 0) writeInlineSnapshots(this.#options.testPath, this.#inline);
  }

  #serialize(value: unknown): string {
    const { ReactTestComponent, ReactElement, DOMElement, DOMCollection, Immutable, AsymmetricMatcher } = plugins;
    return format(value, {
      escapeRegex: true,
      indent: 2,
      printFunctionName: false,
      ...this.#options.format,
      plugins: [
        ...this.#serializers ?? [],
        ReactTestComponent,
        ReactElement,
        DOMElement,
        DOMCollection,
        Immutable,
        MOCKS,
        AsymmetricMatcher,
      ],
    }).replaceAll(/\r\n?/g, "\n");
  }
}

/** How Jest shows a mock function: its calls and results. */
const MOCKS: NonNullable<PrettyFormatOptions["plugins"]>[number] = {
  test: (value: unknown) => Boolean((value as { _isMockFunction?: unknown } | null)?._isMockFunction),
  serialize(value: unknown, config, indentation, depth, refs, printer) {
    const mock = value as { getMockName(): string; mock: { calls: unknown[]; results: unknown[] } };
    const name = mock.getMockName();
    const { calls, results } = mock.mock;
    if (calls.length === 0) return `[MockFunction${name === "jest.fn()" ? "" : ` ${name}`}]`;
    const inner = indentation + config.indent;
    const show = (what: unknown) => printer(what, config, inner, depth, refs);
    const lines =
      `{${config.spacingOuter}${inner}"calls": ${show(calls)}${config.min ? ", " : ","}${config.spacingOuter}` +
      `${inner}"results": ${show(results)}${config.min ? "" : ","}${config.spacingOuter}${indentation}}`;
    return `[MockFunction${name === "jest.fn()" ? "" : ` ${name}`}] ${lines}`;
  },
};

function readSnapshots(path: string): Map<string, string> {
  const exports: Record<string, string> = {};
  // The file is code, written by Jest or by us: templates that are assigned to `exports`.
  if (existsSync(path)) new Function("exports", readFileSync(path, "utf8"))(exports);
  return new Map(Object.entries(exports));
}

/** Texts of several lines stand between line breaks. */
function withBreaks(text: string): string {
  return text.includes("\n") ? `\n${text}\n` : text;
}

function unbroken(text: string): string {
  return text.replace(/^\n([\s\S]*)\n$/, "$1");
}

function escape(text: string): string {
  return text.replaceAll(/`|\\|\$\{/g, "\\$&");
}

/** Without the indentation of the call around it. */
function stripIndent(inline: string): string {
  const match = /^([^\S\n]*)\S/m.exec(inline);
  const lines = inline.split("\n");
  if (match === null || lines.length <= 2 || lines[0]!.trim() !== "" || lines.at(-1)!.trim() !== "") return inline;
  const indent = match[1]!;
  const inner = lines.slice(1, -1);
  if (!inner.every((line) => line === "" || line.startsWith(indent))) return inline;
  return ["", ...inner.map((line) => line.slice(indent.length)), ""].join("\n");
}

function placeIn(stack: string, path: string): { line: number; column: number } | null {
  const line = stack.split("\n").find((line) => line.includes(path));
  const match = /:(\d+):(\d+)\)?$/.exec(line ?? "");
  return match === null ? null : { line: Number(match[1]), column: Number(match[2]) };
}

function notWritten(name: string): string {
  return `New snapshot of "${name}" was not written: in CI (CI is set) snapshots are only compared. Use -u to write it`;
}

function naturalOrder(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
