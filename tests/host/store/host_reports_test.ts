/**
 * Proves that a host that has died is listed as dead and owns nothing any more, and that partitions without an owner are
 * told of with the time since which they have none.
 */

import assert from "node:assert/strict";
import { watchOwners } from "../../../host/service/cluster/watch_owners.ts";
import { createHostReports, type HostReport } from "../../../host/store/host_reports.ts";
import { openSqliteStore } from "../../../host/store/sqlite_store.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

Deno.test("a host that reports no more is dead, and its partitions have no owner from then on", async () => {
  await using folder = await temporaryFolder();
  await using store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  let time = 1_000_000;
  const now = () => time;
  const host = (id: string, partitions: HostReport["partitions"]) =>
    createHostReports({
      settings: store.settings,
      now,
      own: () =>
        Promise.resolve({
          id,
          name: "vm",
          url: `http://${id}`,
          role: "all",
          version: "1",
          startedAt: 0,
          seenAt: time,
          revision: "r",
          partitions,
          lag: { events: 0, seconds: 0 },
        }),
    });
  const one = host("one", { inbox: [0, 1], outbox: [0] });
  const other = host("other", { inbox: [2, 3], outbox: [1] });
  const look = watchOwners({
    log: {
      share: () => ({ owned: { inbox: [], outbox: [] }, all: 4, settled: true, ping: () => Promise.resolve(true) }),
    },
    hosts: one,
    now,
  });
  await other.report();
  const outbox = { topic: "outbox", partitions: [2, 3], all: 4, since: time };
  assert.deepEqual(await look(), [outbox]);
  const states = async () => (await one.list()).map(({ id, alive, isSelf }) => [id, alive, isSelf]);
  assert.deepEqual(await states(), [["one", true, true], ["other", true, false]]);

  time += 31_000;
  assert.deepEqual(await states(), [["one", true, true], ["other", false, false]]);
  const inbox = { topic: "inbox", partitions: [2, 3], all: 4, since: time };
  assert.deepEqual(await look(), [inbox, { ...outbox, partitions: [1, 2, 3] }]);
  time += 5_000;
  assert.deepEqual(await look(), [inbox, { ...outbox, partitions: [1, 2, 3] }]);
  await other.report();
  assert.deepEqual(await look(), [outbox]);
});
