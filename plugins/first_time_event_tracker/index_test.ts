import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

function marks(event: Record<string, unknown> | null): unknown[] {
  const { is_first_event_for_user, is_first_event_ever } = event?.properties as Record<string, unknown>;
  return [is_first_event_for_user, is_first_event_ever];
}

Deno.test("first_time_event_tracker marks the first event of a user and of all users", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { config: { events: "signed up, $pageview" } });
  const send = async (event: string, distinct_id: string) => marks(await plugin.processEvent({ event, distinct_id }));
  assert.deepEqual(await send("signed up", "a"), [true, true]);
  assert.deepEqual(await send("signed up", "a"), [false, false]);
  assert.deepEqual(await send("signed up", "b"), [true, false]);
  assert.deepEqual(await send("$pageview", "a"), [true, true]);
  assert.deepEqual(await send("other", "a"), [undefined, undefined]);
});

Deno.test("first_time_event_tracker finds one first event among those of many users at once", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { config: { events: "e" } });
  const events = Array.from({ length: 50 }, (_, user) => ({ event: "e", distinct_id: `user ${user}`, team_id: 2 }));
  const outcomes = await plugin.batch("processEvent", events);
  assert.equal(outcomes.filter(({ event }) => marks(event)[1]).length, 1);
  assert.equal(outcomes.filter(({ event }) => marks(event)[0]).length, 50);
});

Deno.test("first_time_event_tracker takes names of any length, and does not start without one", async () => {
  await using plugin = await startPlugin(import.meta.dirname, { config: { events: "e".repeat(200) } });
  const event = { event: "e".repeat(200), distinct_id: "u".repeat(200) };
  assert.deepEqual(marks(await plugin.processEvent(event)), [true, true]);
  assert.deepEqual(marks(await plugin.processEvent(event)), [false, false]);
  await assert.rejects(startPlugin(import.meta.dirname), /"Events to track" names none/);
});
