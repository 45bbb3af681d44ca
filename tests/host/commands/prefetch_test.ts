/** Proves that `prefetch` gets what the configured plugins import, and says what it could not find out. */

import assert from "node:assert/strict";
import { PACKAGE_GROUPS } from "../../../host/packages/package_groups.ts";
import { runCommand } from "../../kit/run_command.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

async function prefetch(plugins: string[], ...flags: string[]) {
  const folder = await temporaryFolder();
  const config = {
    projects: [{
      id: 1,
      token: "phc_x",
      plugins: plugins.map((inline, index) => ({ id: index + 1, source: { inline, name: `p${index}` } })),
    }],
  };
  await Deno.writeTextFile(folder.file("hogpen.json"), JSON.stringify(config));
  const env = { HOGPEN_DATA: folder.file("data"), HOGPEN_CONFIG: folder.file("hogpen.json") };
  const ran = await runCommand(["prefetch", ...flags], { env });
  await folder[Symbol.asyncDispose]();
  return ran;
}

Deno.test("prefetch names what the plugins import, and nothing that Deno or the sandbox has itself", async () => {
  const { code, out } = await prefetch([
    `import { Pool } from "pg"; import fetch from "node-fetch"; import crypto from "crypto"; export const a = [Pool, fetch, crypto]`,
    `const { Storage } = require("@google-cloud/storage"); exports.setupPlugin = () => new Storage()`,
  ]);
  assert.deepEqual([code, out], [0, "Installed: @google-cloud/storage, pg\n"]);
});

Deno.test("prefetch says so when no plugin imports a package", async () => {
  assert.deepEqual((await prefetch(["exports.a = 1"])).out, "No plugin imports a package\n");
});

Deno.test("prefetch --all gets every package that something other than development may need", async () => {
  const { code, out } = await prefetch([], "--all");
  assert.equal(code, 0);
  const installed = out.trim().replace("Installed: ", "").split(", ");
  for (const [group, names] of Object.entries(PACKAGE_GROUPS)) {
    for (const name of names) assert.equal(installed.includes(name), group !== "development", name);
  }
});

Deno.test("prefetch ends with 2 when a plugin cannot be loaded", async () => {
  const { code, err } = await prefetch([`import "fs"`]);
  assert.equal(code, 2);
  assert.match(err, /^Cannot load plugin config 1: .*Cannot import 'fs'!/);
});
