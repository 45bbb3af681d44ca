/** Proves that a data folder has one instance id, which stays the same across starts. */

import assert from "node:assert/strict";
import { loadInstanceId } from "../../../host/service/instance_id.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

Deno.test("loadInstanceId() gives a folder its own id, and the same one again", async () => {
  await using one = await temporaryFolder();
  await using other = await temporaryFolder();
  const id = await loadInstanceId(one.path);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(await loadInstanceId(one.path), id);
  assert.notEqual(await loadInstanceId(other.path), id);
});
