import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

Deno.test("timestamp_parser adds the parts of the event's time in UTC", async () => {
  await using plugin = await startPlugin(import.meta.dirname);
  const event = await plugin.processEvent({ timestamp: "2021-01-20T00:05:00.000Z" });
  assert.deepEqual(event?.properties, {
    year: 2021,
    month: 1,
    day: 20,
    hour: 0,
    minute: 5,
    day_of_the_week: "Wednesday",
  });
});

Deno.test("timestamp_parser uses another time zone and a prefix", async () => {
  await using plugin = await startPlugin(import.meta.dirname, {
    config: { timeZone: "America/New_York", prefix: "local_" },
  });
  const event = await plugin.processEvent({ timestamp: "2021-01-20T00:05:00.000Z" });
  assert.equal((event?.properties as Record<string, unknown>).local_hour, 19);
  assert.equal((event?.properties as Record<string, unknown>).local_day_of_the_week, "Tuesday");
});

Deno.test("timestamp_parser takes the time of receipt without a timestamp, and leaves alone what is no time", async () => {
  await using plugin = await startPlugin(import.meta.dirname);
  const received = await plugin.processEvent({ timestamp: undefined, now: "2021-01-20T12:00:00.000Z" });
  assert.equal((received?.properties as Record<string, unknown>).hour, 12);
  assert.deepEqual((await plugin.processEvent({ timestamp: "soon" }))?.properties, {});
});

Deno.test("timestamp_parser does not start with a time zone that is none", async () => {
  await assert.rejects(startPlugin(import.meta.dirname, { config: { timeZone: "Mars/Base" } }), /got "Mars\/Base"/);
});
