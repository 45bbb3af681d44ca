/**
 * The web page in a real Chromium, over a whole service.
 */

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { keepUi, readKeptUi } from "../../host/http/ui/kept_ui.ts";
import { findChromium } from "../kit/servers/chromium.ts";
import { ADMIN_TOKEN, startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

const LIST_OF_APPS = /\/plugin_configs\?/;
const INLINE = `export function processEvent(event) { return event.event === "unwanted" ? null : event }`;

// Chromium and its pipes belong to playwright, which lets go of some a moment after its browser is closed.
const setup = { sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "an operator logs in by keyboard, sees the apps and the events, and is told of a concurrent change",
  setup,
  async () => {
    await using service = await startTestService();
    const made = await service.api<{ id: number; version: number }>("/_hogpen/api/plugin_configs", "POST", {
      team_id: 1,
      source: { inline: INLINE, name: "Guard" },
      enabled: true,
    });
    const browser = await chromium.launch({ executablePath: await findChromium(), args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      const wrong: string[] = [];
      page.on("pageerror", (error) => wrong.push(error.message));
      page.on(
        "request",
        (request) =>
          request.url().startsWith(service.url) || request.url().startsWith("data:") || wrong.push(request.url()),
      );

      await page.goto(service.url);
      await page.getByLabel("Token").focus();
      await page.keyboard.type(ADMIN_TOKEN);
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "Guard" }).waitFor();
      await page.getByText("/capture -H").waitFor();

      // Somebody else changes it after the page was read.
      await page.route(LIST_OF_APPS, (route) => route.abort());
      await service.api(`/_hogpen/api/plugin_configs/${made.id}`, "PATCH", { order: 7 });
      await page.getByRole("button", { name: "Turn off Guard" }).click();
      await page.getByText(/changed/i).first().waitFor();
      assert.equal((await service.api<{ enabled: boolean }>(`/_hogpen/api/plugin_configs/${made.id}`)).enabled, true);
      await page.unroute(LIST_OF_APPS);

      await service.capture({ api_key: "phc_local", event: "wanted", distinct_id: "me", properties: {} });
      await page.getByRole("link", { name: "Events", exact: true }).click();
      await page.getByText("wanted", { exact: true }).waitFor();
      await page.goto(`${service.url}/_hogpen/#/apps/${made.id}?show=try`);
      await page.getByLabel("Event", { exact: true }).fill('{"event": "unwanted", "distinct_id": "me"}');
      await page.getByRole("button", { name: "Try", exact: true }).click();
      await page.getByText("The event would be dropped by Guard.").waitFor();
      assert.deepEqual(wrong, []);
    } finally {
      await browser.close();
    }
  },
);

Deno.test("the page that an executable carries is the one that the service builds", async () => {
  await using folder = await temporaryFolder();
  const file = new URL(`file://${folder.file("built.json")}`);
  await keepUi(file);
  await using service = await startTestService();
  for (const [name, text] of await readKeptUi(file)) {
    assert.equal(await (await fetch(`${service.url}/_hogpen/ui/${name}`)).text(), text, name);
  }
});

Deno.test("the page is small and lets nothing in from elsewhere, and HOGPEN_UI=off leaves it out", async () => {
  await using service = await startTestService();
  const script = await fetch(`${service.url}/_hogpen/ui/main.js`);
  assert.equal(script.status, 200);
  assert.match(script.headers.get("content-security-policy") ?? "", /^default-src 'self';/);
  assert((await script.arrayBuffer()).byteLength < 100_000);
  await service.end("SIGTERM");

  await using without = await startTestService({ env: { HOGPEN_UI: "off" } });
  const answer = await fetch(`${without.url}/_hogpen/`);
  await answer.body?.cancel();
  assert.notEqual(answer.status, 200);
});
