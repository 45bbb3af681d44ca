/**
 * Proves that long lists are shown page by page, narrowed by time, and still when they are to be.
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { BROWSER_TEST, openOperatorPage } from "../kit/operator_page.ts";
import { startTestService } from "../kit/service.ts";

Deno.test("lists lead to what is older, and events are found by their time", BROWSER_TEST, async () => {
  await using service = await startTestService();
  const batch = Array.from({ length: 70 }, (_, n) => ({ event: `event ${n}`, distinct_id: "me", properties: {} }));
  await service.capture({ api_key: "phc_local", batch }, "/batch");
  await service.events(50);
  await using operator = await openOperatorPage(service);
  await operator.open("events");
  const rows = operator.page.locator("main .card > details");
  await operator.page.getByText("event 69", { exact: true }).waitFor();
  assert.equal(await rows.count(), 50);
  await operator.page.getByRole("button", { name: "Older" }).click();
  await operator.page.getByText("event 0", { exact: true }).waitFor();
  assert.equal(await rows.count(), 70);
  assert.equal(await operator.page.getByRole("button", { name: "Older" }).count(), 0);
  await operator.page.getByLabel("Until").fill("2020-01-01T00:00:00");
  await operator.page.getByText("No event fits").waitFor();
  assert.deepEqual(operator.wrong, []);
});

Deno.test("changes are shown back to the first one, and found by their time", BROWSER_TEST, async () => {
  await using service = await startTestService();
  const source = { inline: "exports.onEvent = () => {}", name: "Quiet" };
  const { id } = await service.api<{ id: number }>("/_hogpen/api/plugin_configs", "POST", { team_id: 1, source });
  for (let order = 1; order <= 60; order++) {
    await service.api(`/_hogpen/api/plugin_configs/${id}`, "PATCH", { order });
  }
  await using operator = await openOperatorPage(service);
  await operator.open("settings");
  await operator.page.getByLabel("What was changed").fill(`plugin_configs/${id}`);
  await operator.page.getByLabel("What was changed").press("Tab");
  const rows = operator.page.locator("summary").filter({ hasText: `plugin_configs/${id}` });
  await eventually("the newest are there", async () => await rows.count() === 50);
  await operator.page.getByRole("button", { name: "Older" }).click();
  await eventually("all are there", async () => await rows.count() === 61);
  assert.match(await rows.last().textContent() ?? "", /create/);
  assert.equal(await operator.page.getByRole("button", { name: "Older" }).count(), 0);
  await operator.page.getByLabel("Until").fill("2020-01-01T00:00:00");
  await operator.page.getByText("Nothing was changed.").waitFor();
  await operator.page.getByLabel("Until").fill("");
  await eventually("all are back", async () => await rows.count() === 61);
  assert.deepEqual(operator.wrong, []);
});

Deno.test("a log that was paused is not read again, and its lines are found by their time", BROWSER_TEST, async () => {
  const plugins = [{
    id: 7,
    source: { name: "Talker", inline: "exports.onEvent = ({ event }) => console.log(event)" },
  }];
  await using service = await startTestService({ config: { projects: [{ id: 1, token: "phc_log", plugins }] } });
  await service.capture({ api_key: "phc_log", event: "spoken", distinct_id: "me" });
  await using operator = await openOperatorPage(service);
  const { page } = operator;
  await page.clock.install();
  await operator.open("apps/7?show=log");
  const line = page.locator("pre.log").getByText("spoken");
  await line.waitFor();

  const reads: string[] = [];
  const paused = page.waitForResponse(/\/logs\?/);
  await page.getByRole("button", { name: "Pause" }).click();
  await paused;
  page.on("request", (request) => request.url().includes("/logs?") && reads.push(request.url()));
  await page.clock.runFor(60_000);
  // Requests arrive in the order in which they were made.
  await page.evaluate("fetch('/_hogpen/health')");
  assert.deepEqual(reads, []);
  await page.getByRole("button", { name: "Follow" }).click();
  await eventually("it is read again", () => reads.length > 0);

  await page.getByLabel("Until").fill("2020-01-01T00:00:00");
  await page.getByText("No lines.").waitFor();
  await page.getByLabel("Until").fill("");
  await line.waitFor();
  assert.deepEqual(operator.wrong, []);
});
