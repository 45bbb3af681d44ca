/**
 * Proves that the form of an app shows what somebody else has changed meanwhile, and overwrites nothing of it unasked.
 * @module
 */

import assert from "node:assert/strict";
import { strToU8, zipSync } from "fflate";
import { BROWSER_TEST, openOperatorPage } from "../kit/operator_page.ts";
import { ADMIN_TOKEN, startTestService } from "../kit/service.ts";

const PLUGIN_JSON = {
  name: "Greeter",
  config: [
    { key: "greeting", name: "Greeting", type: "string", default: "hello" },
    { key: "mark", name: "Mark", type: "string", default: "." },
  ],
};

Deno.test("two people who fill in one form lose nothing to each other", BROWSER_TEST, async () => {
  await using service = await startTestService();
  const zip = zipSync({
    "plugin.json": strToU8(JSON.stringify(PLUGIN_JSON)),
    "index.js": strToU8("exports.processEvent = (event) => event"),
  });
  const uploaded = await fetch(`${service.url}/_hogpen/api/uploads`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    body: new Uint8Array(zip),
  });
  const { upload } = await uploaded.json();
  const { id } = await service.api<{ id: number }>("/_hogpen/api/plugin_configs", "POST", {
    team_id: 1,
    source: { upload },
    config: { greeting: "hello", mark: "." },
  });
  const path = `/_hogpen/api/plugin_configs/${id}`;
  const config = async () => (await service.api<{ config: Record<string, unknown> }>(path)).config;

  await using operator = await openOperatorPage(service);
  const { page } = operator;
  await operator.open(`apps/${id}?show=settings`);
  await page.getByLabel("Greeting").fill("good day");
  await service.api(path, "PATCH", { config: { greeting: "hello", mark: "!" } });
  const told = page.getByRole("alert").filter({ hasText: "It was changed since you opened it" });
  await told.waitFor();
  assert.deepEqual(await told.locator("td").allTextContents(), ["mark", ".", "!"]);

  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody changed it meanwhile; nothing was overwritten.").waitFor();
  assert.deepEqual(await config(), { greeting: "hello", mark: "!" });

  await page.getByRole("button", { name: "Go on from what it is now, with your edits" }).click();
  assert.equal(await page.getByLabel("Greeting").inputValue(), "good day");
  assert.equal(await page.getByLabel("Mark").inputValue(), "!");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved; the app was started again with it.").waitFor();
  assert.deepEqual(await config(), { greeting: "good day", mark: "!" });
  assert.deepEqual(operator.wrong, []);
});
