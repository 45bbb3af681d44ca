/**
 * What a test file declares: blocks, tests and hooks, as `describe`, `test` and the rest put them together.
 * @module
 */

import { eachRow } from "./each_table.ts";

// deno-lint-ignore ban-types -- how many parameters it declares decides whether it is given `done`
export type TestFunction = Function;
export type Mode = "run" | "skip" | "only" | "todo";
export type HookName = "beforeAll" | "beforeEach" | "afterEach" | "afterAll";

export interface Hook {
  run: TestFunction;
  timeout: number | undefined;
}

export interface TestCase {
  kind: "test";
  name: string;
  mode: Mode;
  run: TestFunction | undefined;
  timeout: number | undefined;
  /** It passes when it throws. */
  failing: boolean;
  parent: Block;
}

export interface Block {
  kind: "block";
  name: string;
  mode: Mode;
  parent: Block | null;
  children: (Block | TestCase)[];
  hooks: Record<HookName, Hook[]>;
}

export interface TestTree {
  root: Block;
  /** Only what `only` names runs. */
  readonly hasFocus: boolean;
  /** `describe`, `test`, `it`, `beforeAll` and the others, by the names that tests know. */
  globals: Record<string, unknown>;
  /** From here on declarations are refused: tests are running. */
  close(): void;
}

export function createTestTree(): TestTree {
  const root = block("", "run", null);
  let current = root;
  let isOpen = true;
  let hasFocus = false;

  function assertOpen(what: string): void {
    if (!isOpen) throw new Error(`Cannot nest ${what} in a test: it has to stand in the file or in a describe block`);
  }

  function declareBlock(mode: Mode, name: unknown, run: TestFunction): void {
    assertOpen("describe");
    if (typeof run !== "function") {
      throw new TypeError(`Missing second argument of describe("${String(name)}"): a function`);
    }
    // Blocks inside of a block that is chosen, or skipped, are so as well.
    const inner = block(nameOf(name), mode === "run" ? current.mode : mode, current);
    current.children.push(inner);
    const outer = current;
    current = inner;
    try {
      const returned = run();
      if (returned instanceof Promise) throw new Error('Returning a Promise from "describe" is not supported');
    } finally {
      current = outer;
    }
    passOn(inner);
  }

  /** The tests of a block with `only` or `skip` have its mode, unless some are chosen more narrowly. */
  function passOn(inner: Block): void {
    const tests = inner.children.filter((child): child is TestCase => child.kind === "test");
    const isNarrowed = inner.mode === "only" && tests.some(({ mode }) => mode === "only");
    if (!isNarrowed) { for (const test of tests) if (test.mode === "run") test.mode = inner.mode; }
    if (inner.mode !== "skip" && tests.some(({ mode }) => mode === "only")) hasFocus = true;
  }

  function declareTest(mode: Mode, failing: boolean, name: unknown, run?: TestFunction, timeout?: number): void {
    assertOpen("a test");
    if (mode !== "todo" && typeof run !== "function") {
      throw new TypeError(`Missing second argument of test("${String(name)}"): a function, or test.todo without one`);
    }
    if (mode === "only") hasFocus = true;
    current.children.push({ kind: "test", name: nameOf(name), mode, run, timeout, failing, parent: current });
  }

  function hook(name: HookName) {
    return (run: TestFunction, timeout?: number) => {
      assertOpen(name);
      if (typeof run !== "function") throw new TypeError(`Missing first argument of ${name}: a function`);
      current.hooks[name].push({ run, timeout });
    };
  }

  function describeAs(mode: Mode) {
    const declare = (name: unknown, run: TestFunction) => declareBlock(mode, name, run);
    const each = (...table: unknown[]) => (name: string, run: TestFunction) => {
      for (const row of eachRow(table, name)) declare(row.name, () => run(...row.args));
    };
    return Object.assign(declare, { each });
  }

  function testAs(mode: Mode, failing = false) {
    const declare = (name: unknown, run?: TestFunction, timeout?: number) =>
      declareTest(mode, failing, name, run, timeout);
    const each = (...table: unknown[]) => (name: string, run: TestFunction, timeout?: number) => {
      for (const { name: each, args } of eachRow(table, name)) {
        const takesDone = run.length > args.length;
        declare(each, takesDone ? (done: unknown) => run(...args, done) : () => run(...args), timeout);
      }
    };
    return Object.assign(declare, { each });
  }

  const describe = Object.assign(describeAs("run"), { only: describeAs("only"), skip: describeAs("skip") });
  const failing = Object.assign(testAs("run", true), { only: testAs("only", true), skip: testAs("skip", true) });
  const plain = {
    only: Object.assign(testAs("only"), { failing: failing.only }),
    skip: Object.assign(testAs("skip"), { failing: failing.skip }),
    todo: (name: unknown) => declareTest("todo", false, name),
    failing,
  };
  const test = Object.assign(testAs("run"), plain, { concurrent: Object.assign(testAs("run"), plain) });
  return {
    root,
    get hasFocus() {
      return hasFocus;
    },
    globals: {
      describe,
      fdescribe: describe.only,
      xdescribe: describe.skip,
      test,
      it: test,
      fit: test.only,
      xit: test.skip,
      xtest: test.skip,
      beforeAll: hook("beforeAll"),
      beforeEach: hook("beforeEach"),
      afterEach: hook("afterEach"),
      afterAll: hook("afterAll"),
    },
    close: () => isOpen = false,
  };
}

function block(name: string, mode: Mode, parent: Block | null): Block {
  return {
    kind: "block",
    name,
    mode,
    parent,
    children: [],
    hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] },
  };
}

/** Functions and classes name a block by their own name. */
function nameOf(name: unknown): string {
  if (typeof name === "function") return name.name;
  if (typeof name === "string" || typeof name === "number") return String(name);
  throw new TypeError(`Invalid first argument, ${String(name)}: expected a string, a number, a function or a class`);
}
