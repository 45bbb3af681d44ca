/**
 * Proves that somebody who never reads the API's documentation gets from a fresh start to an app that is installed,
 * tried, broken, found out and rolled back, in the page alone.
 * @module
 */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { strToU8, zipSync } from "fflate";
import { eventually } from "../kit/eventually.ts";
import { BROWSER_TEST, openOperatorPage } from "../kit/operator_page.ts";
import { startTestService } from "../kit/service.ts";

const PLUGIN_JSON = {
  name: "Greeter",
  description: "Greets.",
  config: [
    { key: "greeting", name: "Greeting", type: "string", required: true, default: "hello", hint: "A **warm** one." },
    { key: "loud", name: "Loud", type: "boolean" },
    { key: "mark", name: "Mark", type: "string", visible_if: [["loud", true]] },
    { key: "password", name: "Password", type: "string", secret: true },
  ],
};
const CODE = `
  export function processEvent(event, { config }) {
    if (config.greeting === "crash") throw new Error("cannot greet with this")
    event.properties.greeting = config.greeting + (config.loud ? config.mark : "")
    return event
  }`;

Deno.test("from a fresh start to a roll-back, in the page alone", BROWSER_TEST, async () => {
  await using service = await startTestService();
  await using operator = await openOperatorPage(service);
  const { page, wrong } = operator;
  page.on("dialog", (dialog) => dialog.accept());

  // The page says how to send an event; it is seen when it has come.
  const command = await page.getByText("curl", { exact: false }).first().textContent();
  assert.match(command ?? "", /\/capture -H 'content-type: application\/json' -d '\{"api_key":"phc_local"/);
  await service.capture({ api_key: "phc_local", event: "signup", distinct_id: "ann", properties: {} });
  await page.getByRole("link", { name: "Events", exact: true }).click();
  await page.getByText("signup", { exact: true }).waitFor();

  // An app from a zip, looked at before it is installed.
  await page.getByRole("link", { name: "Install", exact: true }).click();
  const zip = zipSync({ "plugin.json": strToU8(JSON.stringify(PLUGIN_JSON)), "index.js": strToU8(CODE) });
  await page.getByLabel("From an archive").setInputFiles({
    name: "greeter.zip",
    mimeType: "application/zip",
    buffer: Buffer.from(zip),
  });
  await page.getByText("changes events before they are stored").waitFor();
  await page.getByText("It asks for Greeting (required), Loud, Mark, Password.").waitFor();
  await page.getByRole("button", { name: "Install, switched off" }).click();
  await page.getByRole("heading", { name: "Greeter" }).waitFor();

  // Its form: a field that another one brings up, and a secret that does not come back.
  assert.equal(await page.getByLabel("Mark").count(), 0);
  assert.equal(await page.locator(".field strong").textContent(), "warm");
  await page.getByLabel("Greeting (required)").fill("hi");
  await page.getByLabel("Loud").check();
  await page.getByLabel("Mark").fill("!");
  await page.getByLabel("Password").fill("s3cret");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved; the app was started again with it.").waitFor();
  await page.getByRole("button", { name: "Replace what is set" }).waitFor();
  assert.equal((await page.content()).includes("s3cret"), false);

  // Tried on that event before it is switched on.
  await page.getByRole("button", { name: "Try it" }).click();
  await page.getByRole("button", { name: "Take the newest event" }).click();
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await page.getByRole("cell", { name: "/properties/greeting" }).waitFor();
  await page.getByRole("cell", { name: "hi!" }).waitFor();

  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByText("running", { exact: true }).waitFor();
  await service.capture({ api_key: "phc_local", event: "second", distinct_id: "ann", properties: {} });
  await eventually(
    "the event was greeted",
    async () => (await service.events(2)).some(({ properties }) => properties.greeting === "hi!"),
  );
  await page.getByRole("button", { name: "Numbers" }).click();
  await page.getByRole("img", { name: /^Events, latest: .*processEvent in/ }).waitFor();

  // Broken, told of by the banner, found by its error, and rolled back.
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByLabel("Greeting (required)").fill("crash");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved; the app was started again with it.").waitFor();
  const events = Array.from({ length: 30 }, (_, n) => ({ event: `broken ${n}`, distinct_id: `u${n}` }));
  await service.capture({ api_key: "phc_local", batch: events }, "/batch");
  await page.getByRole("alert").getByText(/Greeter/).waitFor({ timeout: 30_000 });
  await page.getByRole("button", { name: "Errors" }).click();
  await page.getByText("cannot greet with this").click();
  await page.getByText('"event": "broken', { exact: false }).first().waitFor();
  await page.getByRole("button", { name: "History" }).click();
  await page.getByText("Version 2, until", { exact: false }).or(page.getByText(/^Version \d+, until/).first()).first()
    .click();
  await page.getByRole("cell", { name: "crash" }).first().waitFor();
  await page.getByRole("button", { name: /^Go back to version/ }).first().click();
  await eventually("the greeting is the old one", async () => {
    const { results } = await service.api<{ results: { name: string; config: Record<string, unknown> }[] }>(
      "/_hogpen/api/plugin_configs",
    );
    return results.some(({ name, config }) => name === "Greeter" && config["greeting"] === "hi");
  });
  assert.deepEqual(wrong, []);
});
