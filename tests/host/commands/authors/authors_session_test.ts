/**
 * The session in docs/AUTHORS.md, typed into a terminal.
 */

import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { freePort } from "../../../kit/servers/server_process.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";
import { openTerminal } from "../../../kit/terminal_session.ts";

const ROOT = new URL("../../../../", import.meta.url).pathname;

interface Step {
  command: string;
  output: string[];
}

/** The `console` blocks of the page. */
async function readSession(): Promise<string[][]> {
  const page = await Deno.readTextFile(`${ROOT}docs/AUTHORS.md`);
  return Array.from(
    page.matchAll(/```console\n([\s\S]*?)```/g),
    ([, block]) => (block as string).trimEnd().split("\n"),
  );
}

function stepsOf(lines: string[]): Step[] {
  const steps: Step[] = [];
  for (const line of lines) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), output: [] });
    else steps.at(-1)?.output.push(line);
  }
  return steps;
}

/** Durations differ from one time to the next. */
function plain(text: string): string[] {
  return text.split("\n").filter((line) => !/^Time: /.test(line)).map((line) =>
    line.replace(/ \(\d+ ms\)$/, "").replace(/ in \d+ ms$/, "").trimEnd()
  );
}

Deno.test("the session in AUTHORS runs as it stands there, in a terminal", async () => {
  await using folder = await temporaryFolder();
  const port = freePort();
  await Deno.writeTextFile(folder.file("hogpen"), `#!/bin/sh\nexec ${Deno.execPath()} run -A ${ROOT}main.ts "$@"\n`, {
    mode: 0o755,
  });
  const env = { PATH: `${folder.path}${delimiter}${Deno.env.get("PATH")}`, TERM: "xterm", NO_COLOR: "" };
  const options = { cwd: folder.path, env };
  const [session = [], requests = [], came = []] = await readSession();
  const steps = stepsOf(session);
  assert.deepEqual(steps.map(({ command }) => command.split(" ")[1]), ["new", "validate", "test", "run", "dev"]);

  for (const { command, output } of steps.slice(0, -1)) {
    await using terminal = openTerminal(command, options);
    const { code } = await terminal.status;
    await terminal.waitFor(output.at(-1) as string);
    assert.deepEqual(plain(terminal.output()).join("\n").trimEnd(), output.join("\n"), command);
    assert.equal(code, 0);
    assert(terminal.raw().includes("\x1b["), `${command} has no colour`);
  }

  const dev = steps.at(-1) as Step;
  await using terminal = openTerminal(`${dev.command} --port ${port}`, options);
  for (const line of dev.output) await terminal.waitFor(line.replace("8000", String(port)));
  for (const { command } of stepsOf(requests)) {
    const { success } = await new Deno.Command("sh", { args: ["-c", command.replace("8000", String(port))] }).output();
    assert(success);
  }
  const [reloaded = "", ...expected] = came.toReversed();
  for (const line of expected.reverse()) await terminal.waitFor(line);
  await Deno.writeTextFile(folder.file("greeter/index.ts"), "export const processEvent = (event) => event");
  await terminal.waitFor(reloaded);
  await terminal.type("\x03");
  assert.equal((await terminal.status).code, 0);
});
