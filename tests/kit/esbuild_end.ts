/**
 * Waits for esbuild's process to be gone: its `stop()` asks it to end but does not wait, and a test's sanitizer sees it
 * still there.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

const PATIENCE_MS = 5_000;

/** To be disposed at the end of a test that bundles. */
export function untilEsbuildEnds(): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      const end = Date.now() + PATIENCE_MS;
      while (await runsEsbuild() && Date.now() < end) await delay(10);
      // Its end has been seen by the system; the runtime hears of it in one of the next turns.
      await delay(20);
    },
  };
}

/** Among the children of this process; false where there is no /proc. */
async function runsEsbuild(): Promise<boolean> {
  const tasks = await Array.fromAsync(Deno.readDir("/proc/self/task")).catch(() => []);
  for (const { name } of tasks) {
    const children = await Deno.readTextFile(`/proc/self/task/${name}/children`).catch(() => "");
    for (const pid of children.split(" ").filter(Boolean)) {
      const command = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "");
      if (command.trim() === "esbuild") return true;
    }
  }
  return false;
}
