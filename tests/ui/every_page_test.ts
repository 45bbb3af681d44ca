/**
 * Proves of every page that it shows itself without an error, in light, in dark and on a phone, that axe finds nothing
 * serious, that a viewer finds no control, and that little has to be loaded.
 * @module
 */

import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { delay } from "../kit/delay.ts";
import { BROWSER_TEST, launchBrowser, openOperatorPage } from "../kit/operator_page.ts";
import { type RunningService, startTestService } from "../kit/service.ts";

const CODE = `
  export function processEvent(event) {
    console.log("saw", event.event)
    if (event.event === "odd") throw new Error("odd")
    return event.event === "unwanted" ? null : event
  }
  export const jobs = { export: () => {} }
  export async function runEveryDay() {}`;

const PAGES = [
  "apps",
  ...["settings", "numbers", "errors", "log", "try", "jobs", "history"].map((tab) => `apps/1000001?show=${tab}`),
  "install",
  "projects",
  "events",
  "events?show=dropped",
  "events?show=traced",
  "deliveries",
  "dead_letters",
  "jobs",
  "alerts",
  "settings",
];

/** What `deno task screenshots` keeps for the documents. */
const SHOWN = new Set([
  "apps",
  "apps/1000001?show=numbers",
  "apps/1000001?show=try",
  "install",
  "projects",
  "events",
  "alerts",
]);

async function startWithApp(): Promise<RunningService> {
  const service = await startTestService();
  await service.api("/_hogpen/api/plugin_configs", "POST", {
    team_id: 1,
    source: { inline: CODE, name: "Guard" },
    enabled: true,
  });
  const batch = ["wanted", "odd", "unwanted"].map((event) => ({ event, distinct_id: "me" }));
  await service.capture({ api_key: "phc_local", batch }, "/batch");
  await service.events(2);
  // A screenshot shows what was counted, which is written every ten seconds.
  if (Deno.env.has("HOGPEN_SCREENSHOTS")) await delay(21_000);
  return service;
}

const EVERY_RULE: axe.RunOptions = { resultTypes: ["violations"] };
const COLOURS_ALONE: axe.RunOptions = { ...EVERY_RULE, runOnly: ["color-contrast"] };

/** Colours follow the system by CSS alone, so a page is opened once for each width. */
const LOOKS = [
  { width: 1280, colorSchemes: ["light", "dark"] },
  { width: 390, colorSchemes: ["light"] },
] as const;

Deno.test(
  "every page is without errors and serious findings of axe, and a viewer cannot change it",
  BROWSER_TEST,
  async (t) => {
    await using service = await startWithApp();
    await using browser = await launchBrowser();
    for (const { width, colorSchemes } of LOOKS) {
      await t.step(`at ${width} pixels in ${colorSchemes.join(" and ")}`, async () => {
        await using operator = await openOperatorPage(service, { width, browser });
        const { page, wrong, open } = operator;
        const findings: string[] = [];
        for (const place of PAGES) {
          await open(place);
          await page.waitForTimeout(300);
          await page.evaluate(axe.source);
          for (const colorScheme of colorSchemes) {
            await page.emulateMedia({ colorScheme });
            findings.push(...await inspect(page, place, colorScheme === "light" ? EVERY_RULE : COLOURS_ALONE));
            await keepScreenshot(page, place, width < 500 ? "phone" : colorScheme);
          }
        }
        assert.deepEqual(findings, []);
        assert.deepEqual(wrong, []);
      });
    }
    await t.step("a viewer sees every page and no control that changes something", async () => {
      const { token } = await service.api<{ token: string }>("/_hogpen/api/tokens", "POST", {
        name: "eve",
        role: "viewer",
      });
      await using operator = await openOperatorPage(service, { token, browser });
      const { page, open } = operator;
      const changing =
        /Turn|Delete|Restart|Save|Install|Revoke|Make|Add|Pause \w|Skip|Trace$|Run|Cancel|Go back|Replace/;
      for (const place of PAGES) {
        await open(place);
        const names = await page.getByRole("button").allTextContents();
        assert.deepEqual(names.filter((name) => changing.test(name)), [], place);
      }
    });
  },
);

/** Serious findings of axe, and whatever is wider than the screen. */
async function inspect(page: Page, place: string, options: axe.RunOptions): Promise<string[]> {
  const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
  const findings = violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${place}: ${id} ${nodes[0]?.html}`);
  const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
  return overflow > 0 ? [...findings, `${place}: ${overflow} pixels wider than the screen`] : findings;
}

async function keepScreenshot(page: Page, place: string, look: string): Promise<void> {
  const folder = Deno.env.get("HOGPEN_SCREENSHOTS");
  if (!folder || !SHOWN.has(place)) return;
  await page.screenshot({ path: `${folder}/${place.match(/\w+$/)}_${look}.png`, fullPage: true });
}

Deno.test("the page is below 100 KB before plots, and lets nothing in from elsewhere", BROWSER_TEST, async () => {
  await using service = await startTestService();
  await using operator = await openOperatorPage(service);
  const entries = await operator.page.evaluate<{ name: string; bytes: number }[]>(`
    performance.getEntriesByType("resource").filter(({ name }) => !name.includes("/api/"))
      .map(({ name, decodedBodySize }) => ({ name, bytes: decodedBodySize }))`);
  assert.ok(entries.length >= 2);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  assert.ok(bytes < 100_000, `${bytes} bytes: ${JSON.stringify(entries)}`);
  assert.deepEqual(operator.wrong, []);
});
