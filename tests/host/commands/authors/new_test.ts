/** Proves that what `hogpen new` creates is valid, type-checks, and passes its own tests. */

import assert from "node:assert/strict";
import { runCommand } from "../../../kit/run_command.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

for (const flags of [[], ["--js"]]) {
  Deno.test(`new ${flags.join(" ")} makes a plugin that is in order, and whose tests pass without an installation`, async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("My plugin");
    const made = await runCommand(["new", path, ...flags]);
    assert.equal(made.code, 0, made.err);
    const valid = await runCommand(["validate", path, "--json"]);
    const { ok, problems, capabilities } = JSON.parse(valid.out);
    assert.deepEqual([ok, problems, capabilities.methods], [true, [], ["processEvent"]]);
    const tested = await runCommand(["test", path, "--json"]);
    assert.equal(tested.err, "");
    const { passed, failed } = JSON.parse(tested.out.trim().split("\n").at(-1) as string);
    assert.deepEqual([tested.code, passed, failed], [0, 2, 0]);
    const checked = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "hogpen.d.ts", ...flags.length === 0 ? ["index.ts"] : []],
      cwd: path,
      env: { NO_COLOR: "1" },
    }).output();
    // The packages are not installed here: all else has to be right.
    const errors = new TextDecoder().decode(checked.stderr).split("\n").filter((line) => /^TS\d+|error:/.test(line));
    assert.deepEqual(errors.filter((line) => !/plugin-scaffold|Type checking failed/.test(line)), []);
  });
}

Deno.test("new does not write into a folder that has something in it", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(folder.file("kept.txt"), "kept");
  const { code, err } = await runCommand(["new", folder.path]);
  assert.deepEqual([code, /the folder is not empty/.test(err)], [2, true]);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(folder.path))).length, 1);
});
