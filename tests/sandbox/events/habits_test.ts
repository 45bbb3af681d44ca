/** Proves that learning how a plugin treats event properties never changes the events themselves. */

import assert from "node:assert/strict";
import { Habits } from "../../../sandbox/events/habits.ts";
import { Outcome } from "../../../runtime/protocol.ts";
import { eventOf, pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

Deno.test("Habits look at the first of every 256 calls", () => {
  const habits = new Habits();
  const seen = Array.from({ length: 1000 }, (_, call) => habits.look(eventOf({})) === undefined ? [] : [call]).flat();
  assert.deepEqual(seen, [0, 256, 512, 768]);
});

Deno.test("Habits know a plugin that takes properties away from one that sets and adds them", () => {
  const habits = new Habits();
  const event = eventOf({ properties: { a: 1, b: 2 } });
  habits.learn(habits.look(event)!, { ...event, properties: { a: 2, b: 2, c: "new" }, more: 1 });
  assert.equal(habits.deletes, false);
  for (let call = 1; call < 256; call++) assert.equal(habits.look(event), undefined);
  habits.learn(habits.look(event)!, { ...event, properties: { a: 1 } });
  assert.equal(habits.deletes, true);
});

Deno.test("events stay what a plugin made of them while its habits are learned", async () => {
  const URL = "https://shop.example.com/products";
  const joins = `const { properties } = event; properties.label = properties.first + ' and ' + properties.second;
    properties.path = properties.url.slice(8); properties.url = properties.url + '?seen'; event.event = event.event.trim();`;
  const removes = `delete event.properties.second; delete event.ip;`;
  const plugins = [joins, removes].map((code) =>
    pluginOf(`exports.processEvent = (event) => { ${code} return event; }`)
  );
  const events = Array.from({ length: 200 }, (_, index) =>
    eventOf({
      event: ` an event of number ${index} `,
      distinct_id: String(index % 7),
      properties: {
        first: `the first of ${index}`,
        second: index % 3 ? "another long text" : index,
        url: `${URL}/${index}`,
      },
    }));
  const expected = events.map(({ ip: _, ...event }, index) => {
    const { first, second } = event.properties as { first: string; second: unknown };
    const url = `${URL}/${index}?seen`;
    const path = `shop.example.com/products/${index}`;
    return {
      ...event,
      event: (event["event"] as string).trim(),
      properties: { first, url, label: `${first} and ${second}`, path },
    };
  });

  await using shared = new RawCell();
  await shared.load(plugins);
  const { events: together, outcomes } = await shared.batch(events, "processEvent", [0, 1]);
  assert.deepEqual(together, expected);
  assert.deepEqual(outcomes, [Outcome.ok, Outcome.ok].map((each) => each.repeat(events.length)));

  await using alone = new RawCell();
  await alone.load(plugins);
  const first = await alone.batch(events);
  const second = await alone.batch(first.events, "processEvent", [1]);
  assert.deepEqual(second.events, expected);
});
