/**
 * Proves that `pg` works inside a cell against a real Postgres, with and without TLS, and only reaches addresses that
 * `egress.allow` opens.
 */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import postgres from "postgres";
import { type PrivatePostgres, startPostgres } from "../kit/servers/postgres.ts";
import { startPackagePlugin } from "./package_plugin.ts";

const EVENT = { uuid: "u-1", event: "ünï", properties: { a: [1, "'"] }, timestamp: "2021-01-20T11:59:00.123Z" };

async function insertAndRead(server: PrivatePostgres, databaseUrl: string, config: Record<string, unknown> = {}) {
  await using plugin = await startPackagePlugin("pg", {
    config: { databaseUrl, tableName: "events", ...config },
    egress: [`127.0.0.1:${server.port}`],
  });
  await plugin.exportEvents([EVENT, { ...EVENT, uuid: "u-2" }]);
  const { properties } = await plugin.processEvent({ uuid: "u-1" });
  await plugin.call("method", "teardownPlugin");
  return properties as Record<string, unknown>;
}

Deno.test("pg inserts and reads back by Client and Pool", async (t) => {
  await using server = await startPostgres();
  await t.step("without password", async () => {
    const url = await server.createDatabase();
    assert.deepEqual(await insertAndRead(server, url), {
      rows: [{
        uuid: "u-1",
        event: "ünï",
        properties: { a: [1, "'"] },
        at: "2021-01-20T11:59:00.123Z",
        bytes: "ünï",
        n: 7,
        isDate: true,
      }],
      counts: [1, 1, 1],
      error: { code: "42P01", message: 'relation "nowhere" does not exist' },
    });
    const sql = postgres(url, { max: 1 });
    const rows = await sql`SELECT uuid FROM events ORDER BY uuid`;
    await sql.end();
    assert.deepEqual(rows.map(({ uuid }) => uuid), ["u-1", "u-2"]);
  });

  await t.step("with a SCRAM password, over TLS", async () => {
    const url = await server.createDatabase();
    await askForPasswords(url);
    await encrypt(url);
    const secret = url.replace("postgres@", "scram:pass%20word@");
    assert.deepEqual((await insertAndRead(server, secret, { ssl: "yes" }))["counts"], [1, 1, 1]);
    await assert.rejects(insertAndRead(server, secret.replace("pass", "wrong"), { ssl: "yes" }), {
      name: "error",
      message: 'password authentication failed for user "scram"',
    });
  });
});

/** Has the server ask the user `scram` for a password. */
async function askForPasswords(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice() {} });
  await sql.unsafe("CREATE ROLE scram LOGIN SUPERUSER PASSWORD 'pass word'");
  const [row] = await sql.unsafe("SHOW hba_file");
  await sql.end();
  const file = String(row?.["hba_file"]);
  const rules = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, `hostssl all scram 127.0.0.1/32 scram-sha-256\nhost all scram all reject\n${rules}`);
}

/** Gives the server a certificate of its own making. */
async function encrypt(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice() {} });
  const [row] = await sql.unsafe("SHOW data_directory");
  const folder = String(row?.["data_directory"]);
  const { uid, gid } = await Deno.stat(folder);
  const [key, certificate] = [`${folder}/server.key`, `${folder}/server.crt`];
  const { success } = await new Deno.Command("openssl", {
    args: ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-keyout", key, "-out"]
      .concat(certificate),
    stderr: "null",
  }).output();
  assert.ok(success, `Cannot make a certificate in ${dirname(key)}: install openssl`);
  for (const file of [key, certificate]) {
    await Deno.chmod(file, 0o600);
    if (uid !== null && gid !== null) await Deno.chown(file, uid, gid);
  }
  await sql.unsafe("ALTER SYSTEM SET ssl = on");
  await sql.unsafe("SELECT pg_reload_conf()");
  await sql.end();
}

Deno.test("pg reaches nothing on this machine that egress does not open", async () => {
  await using server = await startPostgres();
  for (const address of ["127.0.0.1", "localhost", "[::1]"]) {
    const databaseUrl = `postgres://postgres@${address}:${server.port}/postgres`;
    await assert.rejects(
      startPackagePlugin("pg", { config: { databaseUrl, tableName: "events" } }),
      /Cannot connect to .*"egress"|connect EACCES|Requires net access/,
    );
  }
  await assert.rejects(
    startPackagePlugin("pg", {
      config: { databaseUrl: "postgres://postgres@%2Fvar%2Frun%2Fpostgresql/postgres", tableName: "events" },
      egress: [`127.0.0.1:${server.port}`],
    }),
    /only hosts are available in plugins/,
  );
});
