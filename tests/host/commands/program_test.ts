/** Proves that wrong commands and flags are answered with the likely one, and that help and version go to stdout. */

import assert from "node:assert/strict";
import { VERSION } from "../../../host/version.ts";
import { runCommand } from "../../kit/run_command.ts";

Deno.test("a wrong command or flag is answered with the one that was probably meant, and exit code 2", async () => {
  const cases: [string[], RegExp][] = [
    [["strat"], /^error: unknown command 'strat'\n\(Did you mean start\?\)/],
    [["start", "--prot", "1"], /^error: unknown option '--prot'\n\(Did you mean --port\?\)/],
    [["--prot", "1"], /Did you mean --port\?/],
    [["start", "now"], /^error: too many arguments/],
    [["start", "--port"], /^error: option '--port <value>' argument missing/],
    [["start", "--port", "x"], /^--port: found "x", expected a whole number from 0 to 65535/],
    [["validate"], /^error: missing required argument 'folder'/],
    [["completions", "powershell"], /expected bash, zsh or fish/],
  ];
  for (const [args, words] of cases) {
    const { code, out, err } = await runCommand(args);
    assert.deepEqual([code, out], [2, ""], args.join(" "));
    assert.match(err, words);
  }
});

Deno.test("help and version go to stdout, with exit code 0", async () => {
  for (const args of [["--help"], ["-h"], ["help"], ["start", "--help"], ["run", "-h"]]) {
    const { code, out, err } = await runCommand(args);
    assert.deepEqual([code, err], [0, ""], args.join(" "));
    assert.match(out, /^Usage: hogpen /);
  }
  for (const args of [["--version"], ["-V"], ["version"]]) {
    assert.deepEqual(await runCommand(args), { code: 0, out: `${VERSION}\n`, err: "" });
  }
});
