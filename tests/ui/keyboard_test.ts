/**
 * Proves that the page can be used without a mouse: from the login to an app that is written, installed, switched on
 * and rolled back, by Tab, Enter and typing alone.
 * @module
 */

import assert from "node:assert/strict";
import { chromium, type Page } from "playwright-core";
import { BROWSER_TEST } from "../kit/operator_page.ts";
import { findChromium } from "../kit/servers/chromium.ts";
import { ADMIN_TOKEN, startTestService } from "../kit/service.ts";

/** The name of what has the focus, also within the editor's shadow. */
const FOCUSED = `(() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  const label = element?.labels?.[0]?.textContent;
  return (element?.getAttribute("aria-label") || label || element?.textContent || "").trim();
})()`;
const MOST_TABS = 60;
const CODE = "export function processEvent(event) { event.properties.typed = true; return event }";

/** Presses Tab until something of this name has the focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const passed: string[] = [];
  for (let tabs = 0; tabs < MOST_TABS; tabs++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate<string>(FOCUSED);
    if (typeof name === "string" ? focused === name : name.test(focused)) return;
    passed.push(focused);
  }
  assert.fail(`Nothing called ${name} can be reached by Tab; there are ${JSON.stringify(passed)}`);
}

async function press(page: Page, name: string | RegExp): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press("Enter");
}

Deno.test("an app is written, installed, switched on and rolled back by keyboard alone", BROWSER_TEST, async () => {
  await using service = await startTestService();
  const browser = await chromium.launch({ executablePath: await findChromium(), args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    page.on("dialog", (dialog) => dialog.accept());
    await page.goto(`${service.url}/_hogpen/`);
    await page.getByLabel("Token").waitFor();
    await tabTo(page, "Token");
    await page.keyboard.type(ADMIN_TOKEN);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Apps" }).waitFor();

    await press(page, "Install");
    await page.getByRole("textbox", { name: "Written here" }).and(page.locator("[contenteditable]")).waitFor();
    await tabTo(page, "Written here");
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(CODE);
    // Tab leaves the editor rather than indenting.
    await tabTo(page, "Name");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("Typed");
    await press(page, "Look at it");
    await page.getByText("changes events before they are stored").first().waitFor();
    await press(page, "Install, switched off");
    await page.getByRole("heading", { name: "Typed" }).waitFor();

    await press(page, "Turn on");
    await page.getByText("running", { exact: true }).waitFor();
    await press(page, "History");
    await page.getByText(/^Version 1, until/).waitFor();
    await press(page, /^Version 1, until/);
    await press(page, /^Go back to version 1$/);
    await page.getByText("off", { exact: true }).waitFor();
    const [typed] =
      (await service.api<{ results: { name: string; enabled: boolean }[] }>("/_hogpen/api/plugin_configs"))
        .results.filter(({ name }) => name === "Typed");
    assert.equal(typed?.enabled, false);
  } finally {
    await browser.close();
  }
});
