/**
 * Proves that `hogpen test` runs the Jest tests of plugin repositories and reports them as Jest does. Some of the tests
 * it runs set real timers, because they check how timers, stray errors and time limits are handled.
 */

import assert from "node:assert/strict";
import { pluginFolder } from "../../kit/plugin_folder.ts";
import { type Ran, runCommand } from "../../kit/run_command.ts";

interface Tested extends Ran {
  /** `file: name: status`, in order. */
  tests: string[];
  errors: string[];
}

async function runTests(folder: { path: string }, ...args: string[]): Promise<Tested> {
  const ran = await runCommand(["test", folder.path, "--json", ...args]);
  const files = ran.out.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line)).filter(({ file }) => file);
  return {
    ...ran,
    tests: files.flatMap(({ file, tests }) =>
      tests.map(({ path, status }: { path: string[]; status: string }) => `${file}: ${path.join(" > ")}: ${status}`)
    ),
    errors: files.flatMap(({ error, tests }) => [
      ...(error === null ? [] : [error]),
      ...tests.flatMap(({ errors }: { errors: string[] }) => errors),
    ]),
  };
}

Deno.test("test fails with what was thrown, and where, whoever threw it", async () => {
  await using folder = await pluginFolder({
    "a.test.ts": `
      const value: number = 1
      test('compares', () => { expect(value).toBe(2) })
      test('stray', (done) => { setTimeout(() => { throw new Error('nobody catches') }, 1) })
      test('unhandled', async () => { Promise.reject(new Error('nobody handles')); await new Promise((go) => setTimeout(go, 5)) })
      test('slow', () => new Promise(() => {}), 20)
      test('forgets', () => { expect.assertions(1) })
      describe('block', () => { beforeAll(() => { throw new Error('no set-up') }); test('waits', () => {}) })
      test.failing('passes', () => {})`,
    "broken.test.js": "import { nothing } from './not_there'\ntest('x', () => nothing())",
    "empty.test.js": "",
  });
  const { code, tests, errors } = await runTests(folder);
  assert.equal(code, 1);
  assert.deepEqual(tests.map((line) => line.replace(/^a\.test\.ts: /, "")), [
    "compares: failed",
    "stray: failed",
    "unhandled: failed",
    "slow: failed",
    "forgets: failed",
    "block > waits: failed",
    "passes: failed",
  ]);
  const expected = [
    /^expect\(received\)\.toBe\(expected\)[\s\S]*Expected: 2\nReceived: 1\n {4}at .*a\.test\.ts:3:/,
    /^nobody catches\n {4}at .*a\.test\.ts:4:/,
    /^nobody handles/,
    /^Exceeded timeout of 20 ms for a test/,
    /Expected one assertion to be called but received zero/,
    /^no set-up/,
    /^Failing test passed/,
    /^Cannot find module '\.\/not_there' from '.*broken\.test\.js'/,
    /^Your test suite must contain at least one test/,
  ];
  assert.equal(errors.length, expected.length);
  for (const [index, words] of expected.entries()) assert.match(errors[index] as string, words);
});

Deno.test("test chooses files by pattern and tests by name, and fails when nothing fits", async () => {
  await using folder = await pluginFolder({
    "one.test.js": "test('first', () => {}); test('second', () => {})",
    "lib/two.spec.js": "describe('block', () => test('first', () => {}))",
    "__tests__/three.js": "test('third', () => {})",
    "node_modules/x/x.test.js": "test('never', () => {})",
    "not_a_test.js": "",
  });
  const all = await runTests(folder);
  assert.deepEqual([all.code, all.tests], [0, [
    "__tests__/three.js: third: passed",
    "lib/two.spec.js: block > first: passed",
    "one.test.js: first: passed",
    "one.test.js: second: passed",
  ]]);
  assert.deepEqual((await runTests(folder, "one")).tests.length, 2);
  const named = await runTests(folder, "-t", "block first");
  assert.deepEqual(named.tests.filter((line) => line.endsWith("passed")), ["lib/two.spec.js: block > first: passed"]);
  const none = await runTests(folder, "nowhere");
  assert.equal(none.code, 1);
  assert.match(none.err, /^Cannot run tests of .*: no file fits/);
});

Deno.test("test writes new snapshots, inline ones into the file, and changed ones with -u", async () => {
  const code = `test('both', () => {
  expect({ a: 1 }).toMatchSnapshot()
  expect({ b: [2] }).toMatchInlineSnapshot()
  expect('x').toMatchInlineSnapshot({}.none)
})\n`;
  await using folder = await pluginFolder({ "a.test.js": code });
  const env = { CI: "" };
  assert.equal((await runCommand(["test", folder.path], { env })).code, 0);
  assert.equal(
    await Deno.readTextFile(folder.file("__snapshots__/a.test.js.snap")),
    '// Jest Snapshot v1, https://goo.gl/fbAQLP\n\nexports[`both 1`] = `\n{\n  "a": 1,\n}\n`;\n',
  );
  const written = await Deno.readTextFile(folder.file("a.test.js"));
  assert.equal(
    written,
    code.replace(
      "toMatchInlineSnapshot()",
      'toMatchInlineSnapshot(`\n    {\n      "b": [\n        2,\n      ],\n    }\n  `)',
    )
      .replace("({}.none)", '({}.none, `"x"`)'),
  );
  await Deno.writeTextFile(folder.file("a.test.js"), written.replace("a: 1", "a: 3").replace("b: [2]", "b: []"));
  assert.equal((await runCommand(["test", folder.path], { env })).code, 1);
  assert.equal((await runCommand(["test", folder.path, "-u"], { env })).code, 0);
  assert.match(
    await Deno.readTextFile(folder.file("a.test.js")),
    /b: \[\] }\)\.toMatchInlineSnapshot\(`\n {4}{\n {6}"b": \[\],/,
  );
  await Deno.writeTextFile(folder.file("new.test.js"), "test('new', () => expect(1).toMatchSnapshot())");
  const inCi = await runCommand(["test", folder.path, "new"], { env: { CI: "true" } });
  assert.deepEqual([inCi.code, /was not written/.test(inCi.out)], [1, true]);
});

Deno.test("test reads jest.config.ts, and gives tests what the repository has not installed", async () => {
  await using folder = await pluginFolder({
    "jest.config.ts": `import type { Config } from 'jest'
      const config: Config = { testRegex: '\\\\.check\\\\.ts$', preset: 'ts-jest', testEnvironment: 'node', clearMocks: true }
      export default config`,
    "index.js": "export function processEvent(event) { event.properties.seen = true; return event }",
    "a.check.ts": `
      import { createEvent, resetMeta } from '@posthog/plugin-scaffold/test/utils'
      import { startPlugin } from 'hogpen/testing'
      import { processEvent } from './index'
      const mock = jest.fn()
      test('helpers', () => {
        mock()
        const event = processEvent(createEvent({ event: 'x', properties: {} }), resetMeta())
        expect(event).toMatchObject({ event: 'x', properties: { seen: true } })
      })
      test('the kit, in the real sandbox', async () => {
        expect(mock).not.toHaveBeenCalled()
        const plugin = await startPlugin(__dirname)
        expect(await plugin.propertiesOf({})).toEqual({ seen: true })
        await plugin[Symbol.asyncDispose]()
      })`,
  });
  const { code, tests, errors } = await runTests(folder);
  assert.deepEqual(errors, []);
  assert.deepEqual([code, tests], [0, [
    "a.check.ts: helpers: passed",
    "a.check.ts: the kit, in the real sandbox: passed",
  ]]);
});

Deno.test("test loads imports where they stand when ts-jest compiled them, and fakes timers as the repository's Jest does", async () => {
  await using folder = await pluginFolder({
    "package.json": '{"jest":{"preset":"ts-jest"},"devDependencies":{"jest":"^26.6.3","ts-jest":"^26.4.4"}}',
    "value.ts": "declare const chosen: string; export const value = chosen",
    "other.ts": "export const other = 'other'",
    "a.test.ts": `
      (global as any).chosen = 'set before'
      import { value } from './value'
      jest.mock('./other', () => ({ other: 'mocked' }))
      import { other } from './other'
      test('order', () => expect([value, other]).toEqual(['set before', 'mocked']))
      test('legacy timers', () => {
        jest.useFakeTimers()
        setTimeout(() => {}, 5)
        expect(setTimeout).toHaveBeenCalledTimes(1)
      })`,
  });
  const { tests, errors } = await runTests(folder);
  assert.deepEqual(errors, []);
  assert.deepEqual(tests, ["a.test.ts: order: passed", "a.test.ts: legacy timers: passed"]);
});

Deno.test("test --jest says what is missing when the repository has no Jest", async () => {
  await using folder = await pluginFolder({ "package.json": "{}" });
  const { code, err } = await runCommand(["test", folder.path, "--jest"]);
  assert.equal(code, 1);
  assert.match(err, /^Cannot run Jest in .*: it is not installed\. Run npm install there first\n$/);
});
