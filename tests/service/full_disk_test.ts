/**
 * Proves that a full disk is answered so that clients keep their events, that the operator is told, and that what was
 * answered with 200 is there when there is room again, also after a kill. Needs root on Linux, for a disk of its own.
 */

import assert from "node:assert/strict";
import { startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args }).output();
  assert(success, new TextDecoder().decode(stderr));
}

Deno.test({
  name: "a full disk costs no event that was answered",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  async fn() {
    await using folder = await temporaryFolder();
    const disk = folder.file("disk");
    await Deno.mkdir(disk);
    await run("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk);
    try {
      await using service = await startTestService({ env: { HOGPEN_DATA: `${disk}/data` } });
      const answered: string[] = [];
      let refusal: Response | undefined;
      while (refusal === undefined) {
        const uuid = crypto.randomUUID();
        const properties = { pad: "x".repeat(8000) };
        const body = JSON.stringify({ api_key: "phc_local", event: "hello", distinct_id: "me", uuid, properties });
        const answer = await fetch(`${service.url}/capture`, { method: "POST", body });
        if (answer.status === 200) {
          answered.push(uuid);
          await answer.body?.cancel();
        } else refusal = answer;
      }
      assert(answered.length > 10);
      assert.equal(refusal.status, 503);
      assert.equal(refusal.headers.get("retry-after"), "10");
      assert.match((await refusal.json()).detail, /Try again/);
      const health = await fetch(`${service.url}/_health`);
      await health.body?.cancel();
      assert.equal(health.status, 200);
      assert.match(service.output(), /database or disk is full/);

      await service.end("SIGKILL");
      await run("mount", "-o", "remount,size=100m", disk);
      await service.start();
      const kept = new Set((await service.events(answered.length)).map(({ uuid }) => uuid));
      assert.deepEqual(answered.filter((uuid) => !kept.has(uuid)), []);
    } finally {
      await run("umount", disk);
    }
  },
});
