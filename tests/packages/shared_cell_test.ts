/** Proves that two plugins in one cell each see an instance of every package that the other cannot change. */

import assert from "node:assert/strict";
import { PROVIDED_MODULES } from "../../runtime/modules.ts";
import { pluginOf, RawCell } from "../kit/cells/raw_cell.ts";

Deno.test("two plugins of one cell have every package, and none of it is the other's", async () => {
  await using cell = new RawCell();
  const load = `const names = ${JSON.stringify(PROVIDED_MODULES)}; const modules = names.map((name) => require(name))
    const AWS = require('aws-sdk'), pg = require('pg'), faker = require('faker'), pool = require('generic-pool')`;
  const results = await cell.load([
    pluginOf(
      `${load}; AWS.config.update({ region: 'mine' }); pg.defaults.user = 'mine'; pool.Pool.prototype.mine = true; faker.mine = true
      exports.processEvent = (e) => { e.first = [AWS.config.region, pg.defaults.user]; return e }`,
      { pluginConfigId: 1 },
    ),
    pluginOf(
      `${load}; exports.processEvent = (e) => {
      e.second = [AWS.config.region ?? null, pg.defaults.user ?? null, pool.Pool.prototype.mine ?? null, faker.mine ?? null, typeof new AWS.S3({ region: 'x' }).upload]
      return e }`,
      { pluginConfigId: 2 },
    ),
  ]);
  for (const result of results) assert.ok("capabilities" in result, JSON.stringify(result));
  const { events: [event] } = await cell.batch(
    [{ event: "e", distinct_id: "d", team_id: 2, properties: {} }],
    "processEvent",
    [0, 1],
  );
  const { first, second } = event as Record<string, unknown>;
  assert.deepEqual(first, ["mine", "mine"]);
  assert.deepEqual(second, [null, null, null, null, "function"]);
});
