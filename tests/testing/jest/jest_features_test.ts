/**
 * Jest's features, one folder of tests that pass under Jest 29 in Node as well; its snapshots were written by Jest.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCommand } from "../../kit/run_command.ts";

const FOLDER = fileURLToPath(new URL("../../fixtures/jest", import.meta.url));

Deno.test("the tests of the fixture do what they do under Jest", async () => {
  const { code, out, err } = await runCommand(["test", FOLDER, "--json"], { env: { CI: "1" } });
  const lines = out.trim().split("\n").map((line) => JSON.parse(line));
  const { durationMs: _, ...totals } = lines.pop();
  const wrong = lines.filter(({ error }) => error !== null).map(({ file, error }) => `${file}: ${error}`);
  const failed = lines.flatMap(({ file, tests }) =>
    tests.filter((test: { status: string }) => test.status === "failed")
      .map(({ path, errors }: { path: string[]; errors: string[] }) => `${file} ${path.join(" ")}: ${errors}`)
  );
  assert.deepEqual([...wrong, ...failed], [], err);
  assert.deepEqual(totals, { passed: 49, failed: 0, skipped: 5, todo: 1, failedFiles: 0 });
  assert.equal(code, 0);
});
