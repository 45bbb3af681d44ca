/** Proves that `snowflake-sdk` works inside a cell, against a server that speaks Snowflake's protocol. */

import assert from "node:assert/strict";
import { startFakeSnowflake } from "../kit/fakes/fake_snowflake.ts";
import { startPackagePlugin } from "./package_plugin.ts";

const USER = { username: "user", password: "pass word" };

Deno.test("snowflake-sdk connects, runs statements and disconnects", async () => {
  await using snowflake = startFakeSnowflake(USER);
  await using plugin = await startPackagePlugin("snowflake", {
    config: { accessUrl: snowflake.url, ...USER },
    egress: [`127.0.0.1:${snowflake.port}`],
  });
  assert.equal(snowflake.sessions, 1);
  await plugin.exportEvents([{ uuid: "u-1", event: "one" }, { uuid: "u-2", event: "ünï" }]);
  const { properties } = await plugin.processEvent({ uuid: "u-1" });
  assert.deepEqual(properties, {
    rows: [{ N: 7, TEXT: "ünï", AT: "2021-01-20 11:59:00.123" }, { N: null, TEXT: null, AT: null }],
    error: { code: "000904", message: "SQL compilation error: invalid identifier 'FAIL'" },
  });
  const [created, inserted, selected] = snowflake.statements;
  assert.match(created?.sql ?? "", /^CREATE TABLE IF NOT EXISTS/);
  assert.deepEqual(inserted, {
    sql: "INSERT INTO EVENTS VALUES (?, ?)",
    binds: { 1: { type: "TEXT", value: ["u-1", "u-2"] }, 2: { type: "TEXT", value: ["one", "ünï"] } },
  });
  assert.deepEqual(selected?.binds, { 1: { type: "TEXT", value: "u-1" } });
  await plugin.call("method", "teardownPlugin");
  assert.equal(snowflake.sessions, 0);
});

Deno.test("snowflake-sdk says when the password is wrong", async () => {
  await using snowflake = startFakeSnowflake(USER);
  await assert.rejects(
    startPackagePlugin("snowflake", {
      config: { accessUrl: snowflake.url, username: "user", password: "other" },
      egress: [`127.0.0.1:${snowflake.port}`],
      deadlineMs: 3000,
    }),
  );
  assert.equal(snowflake.sessions, 0);
});
