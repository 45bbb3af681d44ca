import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

Deno.test("downsampling keeps about the given share of users, each with all events", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { config: { percentage: "30" } });
  const users = Array.from({ length: 2000 }, (_, user) => `user ${user}`);
  const kept = async () => {
    const events = users.map((distinct_id) => ({ event: "e", distinct_id, team_id: 2 }));
    return (await plugin.batch("processEvent", events)).map(({ event }) => event?.distinct_id);
  };
  const first = await kept();
  const share = first.filter((user) => user !== undefined).length / users.length;
  assert.ok(share > 0.26 && share < 0.34, `${share}`);
  assert.deepEqual(await kept(), first);
});

Deno.test("downsampling at random looks at each event for itself", async () => {
  await using plugin = await startPlugin(import.meta.dirname, {
    config: { percentage: "50", samplingMethod: "At random" },
    random: 0.49,
  });
  assert.notEqual(await plugin.processEvent(), null);
  plugin.setRandom(0.51);
  assert.equal(await plugin.processEvent(), null);
});

Deno.test("downsampling keeps all at 100, none at 0, and identifying events always", async () => {
  await using all = await startPlugin(import.meta.dirname);
  assert.notEqual(await all.processEvent(), null);
  await using none = await startPlugin(import.meta.dirname, { config: { percentage: "0" } });
  assert.equal(await none.processEvent(), null);
  assert.notEqual(await none.processEvent({ event: "$identify" }), null);
});

Deno.test("downsampling does not start with a percentage that is none", async () => {
  for (const percentage of ["101", "-1", "half", " "]) {
    await assert.rejects(startPlugin(import.meta.dirname, { config: { percentage } }), /from 0 to 100/);
  }
});
