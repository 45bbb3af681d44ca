/**
 * Runs the tests of a file, one after the other, with the hooks around them.
 * @module
 */

import type { Block, Hook, TestCase, TestFunction, TestTree } from "./test_tree.ts";

export interface TestResult {
  /** Blocks from the outside in, then the test. */
  path: string[];
  status: "passed" | "failed" | "skipped" | "todo";
  errors: unknown[];
  durationMs: number;
}

export interface RunOptions {
  /** Milliseconds of tests and hooks that do not say. */
  timeout(): number;
  /** Tests whose whole name fits; all when absent. */
  namePattern: RegExp | null;
  /** Attempts that follow a failure, as `jest.retryTimes` asks for. */
  retries(): number;
  /** Before the hooks of a test. */
  beforeTest(fullName: string): void;
  /** After them; gives what is wrong besides what the test threw. */
  afterTest(): unknown[];
  onResult(result: TestResult): void;
}

/** Whether a test runs. */
type Filter = (test: TestCase, path: string[]) => boolean;

/** Timers of the test file may be fake; these are not. */
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;

export class TestRun {
  readonly #options: RunOptions;
  /** What code that nobody waits for threw. */
  #stray: unknown[] = [];
  #rejectStray: ((error: unknown) => void) | null = null;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /** An error that no test caught: the one that runs fails. */
  addStray(error: unknown): void {
    this.#stray.push(error);
    this.#rejectStray?.(error);
  }

  async run({ root, hasFocus }: TestTree): Promise<void> {
    const { namePattern } = this.#options;
    await this.#runBlock(root, [], ({ mode, parent }, path) => {
      if (mode === "skip" || mode === "todo" || parent.mode === "skip" || hasFocus && mode !== "only") return false;
      return namePattern === null || namePattern.test(path.join(" "));
    });
  }

  async #runBlock(block: Block, path: string[], runs: Filter): Promise<void> {
    const hasRuns = anyRuns(block, runs, path);
    const failed = hasRuns ? await this.#runHooks(block.hooks.beforeAll) : [];
    for (const child of block.children) {
      const at = [...path, child.name];
      if (child.kind === "block") {
        if (failed.length === 0) await this.#runBlock(child, at, runs);
        else for (const inner of testsIn(child, at)) this.#report(inner, "failed", failed);
      } else if (child.mode === "todo") this.#report(at, "todo");
      else if (!runs(child, at)) this.#report(at, "skipped");
      else if (failed.length > 0) this.#report(at, "failed", failed);
      else await this.#runTest(child, at);
    }
    const late = hasRuns ? await this.#runHooks(block.hooks.afterAll) : [];
    if (late.length > 0) {
      this.#options.onResult({ path: [...path, "afterAll"], status: "failed", errors: late, durationMs: 0 });
    }
  }

  async #runTest(test: TestCase, path: string[]): Promise<void> {
    const started = performance.now();
    let errors: unknown[] = [];
    for (let attempt = 0; attempt <= this.#options.retries(); attempt++) {
      errors = await this.#attempt(test, path);
      if (errors.length === 0) break;
    }
    if (test.failing) {
      errors = errors.length > 0
        ? []
        : [new Error("Failing test passed even though it was supposed to fail. Remove `.failing` to remove error.")];
    }
    this.#report(path, errors.length === 0 ? "passed" : "failed", errors, performance.now() - started);
  }

  async #attempt(test: TestCase, path: string[]): Promise<unknown[]> {
    const blocks = ancestors(test);
    this.#stray = [];
    this.#options.beforeTest(path.join(" "));
    const errors = await this.#runHooks(blocks.flatMap(({ hooks }) => hooks.beforeEach));
    if (errors.length === 0 && test.run) errors.push(...await this.#call(test.run, test.timeout, "test"));
    errors.push(...await this.#runHooks(blocks.toReversed().flatMap(({ hooks }) => hooks.afterEach), true));
    errors.push(...this.#options.afterTest());
    for (const error of this.#stray) if (!errors.includes(error)) errors.push(error);
    return errors;
  }

  /** The first that fails ends the others, unless all are to run. */
  async #runHooks(hooks: Hook[], all = false): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const { run, timeout } of hooks) {
      errors.push(...await this.#call(run, timeout, "hook"));
      if (errors.length > 0 && !all) break;
    }
    return errors;
  }

  /** What it threw. */
  async #call(run: TestFunction, timeout = this.#options.timeout(), what: "test" | "hook"): Promise<unknown[]> {
    const outcome = Promise.withResolvers<unknown>();
    const timer = realSetTimeout(() => {
      const hint = "Add a timeout value to this test to increase the timeout, if this is a long-running test.";
      outcome.reject(new Error(`Exceeded timeout of ${timeout} ms for a ${what}. ${hint}`));
    }, timeout);
    this.#rejectStray = outcome.reject;
    try {
      if (run.length > 0) run.call({}, doneFor(outcome));
      else {
        const returned = isGenerator(run) ? drain(run.call({})) : run.call({});
        // Not resolved with it: the deadline has to be able to come first.
        Promise.resolve(returned).then(outcome.resolve, outcome.reject);
      }
      await outcome.promise;
      return [];
    } catch (error) {
      return [error];
    } finally {
      this.#rejectStray = null;
      realClearTimeout(timer);
    }
  }

  #report(path: string[], status: TestResult["status"], errors: unknown[] = [], durationMs = 0): void {
    this.#options.onResult({ path, status, errors, durationMs });
  }
}

/** Hooks of a block without a test that runs do not run. */
function anyRuns(block: Block, runs: Filter, path: string[]): boolean {
  return block.children.some((child) => {
    const at = [...path, child.name];
    return child.kind === "test" ? runs(child, at) : anyRuns(child, runs, at);
  });
}

function* testsIn(block: Block, path: string[]): Generator<string[]> {
  for (const child of block.children) {
    const at = [...path, child.name];
    if (child.kind === "test") yield at;
    else yield* testsIn(child, at);
  }
}

/** From the outermost block. */
function ancestors(test: TestCase): Block[] {
  const blocks: Block[] = [];
  for (let block: Block | null = test.parent; block !== null; block = block.parent) blocks.unshift(block);
  return blocks;
}

function doneFor({ resolve, reject }: { resolve(value: unknown): void; reject(error: unknown): void }) {
  const fail = (reason?: unknown) => reject(reason instanceof Error ? reason : new Error(`Failed: ${String(reason)}`));
  return Object.assign((reason?: unknown) => reason == null ? resolve(undefined) : fail(reason), { fail });
}

function isGenerator(run: TestFunction): boolean {
  return Object.prototype.toString.call(run) === "[object GeneratorFunction]";
}

async function drain(generator: Generator<unknown>): Promise<void> {
  for (let step = generator.next(); !step.done;) step = generator.next(await step.value);
}
