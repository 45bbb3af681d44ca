/** Proves that the shell completions know every command and setting, in a real bash where one is needed. */

import assert from "node:assert/strict";
import { createProgram } from "../../../host/commands/program/program.ts";
import { flagOf, SETTINGS } from "../../../host/config/settings.ts";
import { runCommand } from "../../kit/run_command.ts";

async function completionsOf(shell: string): Promise<string> {
  const { code, out, err } = await runCommand(["completions", shell]);
  assert.deepEqual([code, err], [0, ""]);
  return out;
}

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`the completions for ${shell} name every command and every setting`, async () => {
    const text = await completionsOf(shell);
    for (const command of createProgram().commands) assert.match(text, new RegExp(`\\b${command.name()}\\b`));
    for (const name of Object.keys(SETTINGS)) {
      assert(text.includes(shell === "fish" ? `-l ${flagOf(name).slice(2)}` : flagOf(name)), name);
    }
  });
}

Deno.test("bash completes commands and their flags", async () => {
  const script = await completionsOf("bash");
  async function complete(...words: string[]): Promise<string[]> {
    const set = `COMP_WORDS=(hogpen ${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length}`;
    const { success, stdout } = await new Deno.Command("bash", {
      args: ["-c", `${script}\n${set}; _hogpen; echo "\${COMPREPLY[@]}"`],
    }).output();
    assert(success);
    return new TextDecoder().decode(stdout).trim().split(" ");
  }
  assert.deepEqual(await complete("val"), ["validate"]);
  assert.deepEqual(await complete("start", "--por"), ["--port"]);
  assert.deepEqual(await complete("run", "--f"), ["--fetch"]);
});
