/**
 * Proves that every acknowledged append survives `kill -9` and a full disk. The kills come after random real delays, so
 * that each meets the log in another state.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openSqliteEventLog } from "../../../host/log/sqlite_event_log.ts";
import { delay } from "../../kit/delay.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const SCRIPT = fileURLToPath(new URL("./append_forever.ts", import.meta.url));

/** What the process said was durable, and every other line it printed. */
function readOutput(output: string): { acknowledged: Map<number, number[]>; words: string[] } {
  const acknowledged = new Map<number, number[]>();
  const words: string[] = [];
  // A line that the kill cut off says nothing.
  for (const line of output.slice(0, output.lastIndexOf("\n")).split("\n")) {
    const found = /^(\d) (\d+)$/.exec(line);
    if (!found) {
      words.push(line);
      continue;
    }
    const project = Number(found[1]);
    acknowledged.set(project, [...acknowledged.get(project) ?? [], Number(found[2])]);
  }
  return { acknowledged, words };
}

/** Every record of a project, by its number. */
async function numbersIn(path: string, project: number): Promise<number[]> {
  await using log = await openSqliteEventLog({ path });
  const records = await log.read("inbox", project, "", { maxEvents: 1_000_000, maxBytes: 1 << 30 });
  return records.map(({ event }) => JSON.parse(new TextDecoder().decode(event)).number);
}

async function checkKept(path: string, acknowledged: Map<number, number[]>): Promise<void> {
  for (const [project, numbers] of acknowledged) {
    const kept = await numbersIn(path, project);
    assert.deepEqual(kept, kept.toSorted((a, b) => a - b), "in the order in which they were appended");
    const missing = new Set(numbers).difference(new Set(kept));
    assert.deepEqual([...missing], [], "every record that was said to be durable is there");
  }
}

Deno.test("what append() resolved for is there after kill -9, in order, time and again", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  const all = new Map<number, number[]>();
  for (let round = 1; round <= 5; round++) {
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", SCRIPT, path, String(round * 1_000_000)],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const [reading, copy] = process.stdout.tee();
    const output = new Response(copy).text();
    const reader = reading.getReader();
    await reader.read();
    await delay(50 + Math.random() * 200);
    process.kill("SIGKILL");
    await process.status;
    await reader.cancel();
    const { acknowledged } = readOutput(await output);
    for (const [project, numbers] of acknowledged) all.set(project, [...all.get(project) ?? [], ...numbers]);
    assert(acknowledged.size > 0);
    await checkKept(path, all);
  }
});

Deno.test("a full disk refuses appends in words and loses nothing that was acknowledged", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("log.db");
  // A limit on the size of files is the full disk that any user can have: 4 MiB.
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", 'trap "" XFSZ; ulimit -f 8192; exec "$0" run -A "$1" "$2" 1', Deno.execPath(), SCRIPT, path],
    stdin: "null",
    stderr: "null",
  }).output();
  const { acknowledged, words } = readOutput(`${new TextDecoder().decode(stdout)}\n`);
  assert.match(words.join("\n"), /refused: Cannot store events: /);
  assert(acknowledged.size > 0);
  await checkKept(path, acknowledged);
});
