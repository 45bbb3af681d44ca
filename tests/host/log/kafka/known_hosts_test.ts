import assert from "node:assert/strict";
import { KnownHosts } from "../../../../host/log/kafka/cluster/known_hosts.ts";
import { Connection } from "../../../../host/store/postgres/connection.ts";
import { startPostgres } from "../../../kit/servers/postgres.ts";

const options = { sanitizeOps: false, sanitizeResources: false };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

Deno.test(
  "KnownHosts knows a quiet host for as long as it runs, and forgets the others after a week",
  options,
  async () => {
    await using postgres = await startPostgres();
    await using db = new Connection(await postgres.createDatabase(), {});
    let now = Date.now();
    const hosts = ["quiet", "new", "gone"].map((host) => new KnownHosts(db, "log-", host, () => now));
    const [quiet, fresh, gone] = hosts as [KnownHosts, KnownHosts, KnownHosts];
    const known = async () => (await quiet.list()).map(({ host }) => host);
    await quiet.renew();
    assert.deepEqual(await known(), [], "it has opened no transaction yet");
    await quiet.note();
    await gone.note();
    for (const until = now + 8 * DAY_MS; now < until; now += HOUR_MS / 2) await quiet.renew();
    assert.deepEqual(await known(), ["quiet"]);
    await fresh.note();
    assert.deepEqual(await known(), ["new", "quiet"], "the newest one first");
    const rows = await db.run("always", (sql) => sql`SELECT host FROM hogpen_log_hosts`);
    assert.equal(rows.length, 2);
  },
);

Deno.test("KnownHosts forgets a host unless it has come back", options, async () => {
  await using postgres = await startPostgres();
  await using db = new Connection(await postgres.createDatabase(), {});
  let now = Date.now();
  const host = new KnownHosts(db, "log-", "host", () => now);
  await host.note();
  const [seen] = await host.list();
  assert(seen !== undefined);
  now++;
  await host.note();
  await host.forget(seen);
  const [again] = await host.list();
  assert(again !== undefined);
  await host.forget(again);
  assert.equal((await host.list()).length, 0);
});
