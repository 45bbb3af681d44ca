/**
 * Proves that the admin token is created once, is readable by its owner alone, and is the only key that is accepted.
 */

import assert from "node:assert/strict";
import { createKeyCheck, loadAdminToken } from "../../../../host/http/access/admin_token.ts";
import { temporaryFolder } from "../../../kit/temporary_folder.ts";

Deno.test("loadAdminToken() makes a token once, in a file that only its owner can read", async () => {
  await using folder = await temporaryFolder();
  const { token, made, path } = await loadAdminToken(folder.path, undefined);
  assert.match(token, /^hog_[\w-]{32}$/);
  assert.deepEqual([made, path], [true, folder.file("admin_token")]);
  assert.deepEqual(await loadAdminToken(folder.path, undefined), { token, path, made: false });
  const { mode } = await Deno.stat(folder.file("admin_token"));
  assert.equal((mode ?? 0) & 0o777, 0o600);
});
Deno.test("loadAdminToken() gives services that start together the same token", async () => {
  await using folder = await temporaryFolder();
  const tokens = await Promise.all(Array.from({ length: 8 }, () => loadAdminToken(folder.path, undefined)));
  assert.equal(new Set(tokens.map(({ token }) => token)).size, 1);
});
Deno.test("loadAdminToken() takes the operator's, and writes no file then", async () => {
  await using folder = await temporaryFolder();
  assert.deepEqual(await loadAdminToken(folder.path, "mine"), { token: "mine", path: null, made: false });
  await assert.rejects(Deno.stat(folder.file("admin_token")), Deno.errors.NotFound);
});
Deno.test("loadAdminToken() does not go on with an empty file", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(folder.file("admin_token"), "\n");
  await assert.rejects(loadAdminToken(folder.path, undefined), /the file is empty/);
});
Deno.test("createKeyCheck() takes the key and nothing else", () => {
  const check = createKeyCheck("key");
  assert.equal(check("key"), true);
  for (const wrong of ["", "ke", "keyy", "Key"]) assert.equal(check(wrong), false);
});
