/**
 * Proves that a backup of a service under load, of a backup that is killed and of a host that is killed after it, has
 * every event that was answered before the backup began.
 */

import assert from "node:assert/strict";
import { exists } from "../../host/exists.ts";
import { eventually } from "../kit/eventually.ts";
import { runCommand } from "../kit/run_command.ts";
import { startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

Deno.test("hogpen backup and restore under load keep what was answered, also after kill -9", async () => {
  await using folder = await temporaryFolder();
  await using service = await startTestService();
  const data = `${service.folder}/data`;
  const answered: string[] = [];
  const load = new AbortController();

  async function sendInTurn(sender: number): Promise<void> {
    for (let count = 0; !load.signal.aborted; count++) {
      const uuid = crypto.randomUUID();
      const event = { api_key: "phc_local", event: "hello", distinct_id: `${sender}`, uuid, properties: { count } };
      try {
        await service.capture(event);
      } catch {
        return;
      }
      answered.push(uuid);
    }
  }
  const senders = Promise.all([1, 2, 3, 4].map(sendInTurn));
  await eventually("some events are answered", () => answered.length > 100);

  // One that is killed leaves no folder of that name behind, unless it was done.
  const killed = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      new URL("../../main.ts", import.meta.url).pathname,
      "backup",
      folder.file("killed"),
      "--data",
      data,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await eventually("it has begun", () => [...Deno.readDirSync(folder.path)].length > 0);
  killed.kill("SIGKILL");
  await killed.status;
  const isThere = await exists(folder.file("killed"));
  if (isThere) assert(await exists(folder.file("killed/backup.json")), "a folder of that name is whole");

  const before = answered.slice();
  const made = await runCommand(["backup", folder.file("backup"), "--data", data]);
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /Backed up .* to .*: \d+ files, \d+\.\d MB/);
  const since = answered.length;
  await eventually("the load goes on", () => answered.length > since + 10);
  load.abort();
  await service.end("SIGKILL");
  await senders;

  const restored = await runCommand(["restore", folder.file("backup"), "--data", folder.file("data")]);
  assert.equal(restored.code, 0, restored.err);
  await using second = await startTestService({ env: { HOGPEN_DATA: folder.file("data") } });
  const kept = new Set((await second.events(before.length)).map(({ uuid }) => uuid));
  assert.deepEqual(before.filter((uuid) => !kept.has(uuid)), []);
});
