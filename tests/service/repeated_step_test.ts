/**
 * Proves that a plugin's jobs and captured events are not doubled when its event passes it again, because the service
 * was killed before it could record that the event was done.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { startTestService } from "../kit/service.ts";

interface JobList {
  results: { payload: unknown; state: string }[];
}

Deno.test("an event that passes a plugin again after a kill makes its job and its event once", async () => {
  const held = Promise.withResolvers<void>();
  let open = false;
  await using receiver = new HttpReceiver(async () => {
    if (!open) await held.promise;
    return new Response();
  });
  const inline = `
    export const jobs = { later() {} }
    export async function processEvent(event, { jobs }) {
      if (event.event !== 'sent') return event
      await jobs.later({ of: event.distinct_id }).runNow()
      await jobs.later({ of: event.distinct_id, soon: false }).runIn(1, 'hour')
      await posthog.capture('captured', { of: event.distinct_id })
      await fetch('${receiver.url}')
      return event
    }`;
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: "phc_one",
        plugins: [{ id: 1, source: { inline }, egress: { allow: ["127.0.0.1"] } }],
        destinations: [],
      }],
    },
  });
  const send = (distinct_id: string) => service.capture({ api_key: "phc_one", event: "sent", distinct_id });
  const jobsOf = async () => (await service.api<JobList>("/_hogpen/api/jobs")).results;
  await send("ann");
  await eventually("the event has made its job, which is done, and waits", async () => {
    return receiver.requests.length > 0 && (await jobsOf()).some(({ state }) => state === "done");
  });
  await service.end("SIGKILL");
  open = true;
  held.resolve();
  await service.start();
  await send("bob");

  const events = await eventually("both are through", async () => {
    const found = await service.events(4);
    const isThrough = (name: string, of: string) =>
      found.some(({ event, distinct_id, properties }) => event === name && (properties.of ?? distinct_id) === of);
    return ["ann", "bob"].every((of) => isThrough("sent", of) && isThrough("captured", of)) ? found : null;
  });
  const uuids = (of: string) =>
    events.filter(({ event, properties }) => event === "captured" && properties.of === of).map(({ uuid }) => uuid);
  assert.equal(new Set(uuids("ann")).size, 1);
  assert.equal(new Set(uuids("bob")).size, 1);
  assert.deepEqual((await jobsOf()).map(({ payload }) => JSON.stringify(payload)).toSorted(), [
    '{"of":"ann","soon":false}',
    '{"of":"ann"}',
    '{"of":"bob","soon":false}',
    '{"of":"bob"}',
  ]);
});
