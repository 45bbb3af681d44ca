/**
 * Proves that changes of the configuration file and of plugin folders are noticed. It waits 30 real milliseconds before
 * it writes, because the watcher must first have seen the file as it was.
 */

import assert from "node:assert/strict";
import type { ConfigChange } from "../../../host/config/watch_config.ts";
import { watchConfig, watchFolders } from "../../../host/config/watch_config.ts";
import { readConfig } from "../../../host/config/read_config.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const file = (token: string) => JSON.stringify({ projects: [{ id: 1, token }] });

function token(change: ConfigChange | undefined): string | undefined {
  return change && "config" in change ? change.config.projects[0]?.token : undefined;
}

Deno.test("watchConfig() yields what the file says after each change, and why it cannot be used", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("hogpen.json");
  await Deno.writeTextFile(path, file("phc_1"));
  const stop = new AbortController();
  const read = () => readConfig(path, { timeoutSeconds: 30, memoryMb: 256 });
  const changes = watchConfig(path, { signal: stop.signal, read, everyMs: 10 });
  const next = async (write: () => Promise<void>) => {
    const change = changes.next();
    // The watch knows the file as it is when it starts.
    await new Promise((resolve) => setTimeout(resolve, 30));
    await write();
    return (await change).value ?? undefined;
  };

  assert.equal(token(await next(() => Deno.writeTextFile(path, file("phc_22")))), "phc_22");
  const wrong = await next(() => Deno.writeTextFile(path, "{"));
  assert.match(wrong && "error" in wrong ? wrong.error.message : "", /the file is not JSON/);
  const replaced = await next(async () => {
    await Deno.writeTextFile(`${path}.new`, file("phc_3"));
    await Deno.rename(`${path}.new`, path);
  });
  assert.equal(token(replaced), "phc_3");
  const gone = await next(() => Deno.remove(path));
  assert.match(gone && "error" in gone ? gone.error.message : "", /cannot be read/);

  const last = changes.next();
  stop.abort();
  assert.equal((await last).done, true);
});

Deno.test("watchFolders() tells which folders changed, once for changes that come together", async () => {
  await using folder = await temporaryFolder();
  const [a, b] = [folder.file("a"), folder.file("b")];
  await Deno.mkdir(`${a}/src`, { recursive: true });
  await Deno.mkdir(b);
  const stop = new AbortController();
  const changes = watchFolders([a, b], stop.signal, 50);
  const first = changes.next();
  await Deno.writeTextFile(`${a}/src/index.ts`, "1");
  await Deno.writeTextFile(`${a}/plugin.json`, "{}");
  assert.deepEqual((await first).value, [a]);
  const second = changes.next();
  await Deno.writeTextFile(`${b}/index.js`, "1");
  assert.deepEqual((await second).value, [b]);
  const last = changes.next();
  stop.abort();
  assert.equal((await last).done, true);
});
