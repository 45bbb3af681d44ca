/**
 * Proves that a page of two hundred apps, and a log of very many lines, show what was asked for and hold no more than
 * that.
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { BROWSER_TEST, openOperatorPage } from "../kit/operator_page.ts";
import { startTestService } from "../kit/service.ts";

const APPS = 200;
const LINES = 3_000;
/** A line of the log each, and what stands around them. */
const MOST_NODES_OF_LOG = 1_000;

const TALKER =
  `exports.processEvent = (event) => { for (let n = 0; n < ${LINES}; n++) console.log("line " + n); return event }`;

Deno.test(
  "two hundred apps are listed, found by name, and a long log is shown page by page",
  BROWSER_TEST,
  async () => {
    const plugins = Array.from({ length: APPS }, (_, index) => ({
      id: index + 1,
      enabled: index === 0,
      source: { name: `App ${index + 1}`, inline: index === 0 ? TALKER : "exports.onEvent = () => {}" },
    }));
    await using service = await startTestService({ config: { projects: [{ id: 1, token: "phc_many", plugins }] } });
    await using operator = await openOperatorPage(service);
    const { page, open, wrong } = operator;
    await page.getByRole("link", { name: "App 200", exact: true }).waitFor();
    assert.equal(await page.getByRole("article").count(), APPS);
    await page.getByLabel("Filter by name").fill("App 19");
    await page.getByRole("link", { name: "App 1", exact: true }).waitFor({ state: "detached" });
    assert.equal(await page.getByRole("article").count(), 11);

    await service.capture({ api_key: "phc_many", event: "hello", distinct_id: "me" });
    await service.events(1);
    await open("apps/1?show=log");
    const log = page.locator("pre.log");
    await log.getByText(/line \d+/).first().waitFor();
    const nodes = () => page.evaluate<number>("document.querySelectorAll('*').length");
    assert((await nodes()) < MOST_NODES_OF_LOG, `${await nodes()} nodes`);
    const before = await log.locator("span").count();
    await page.getByRole("button", { name: "Older" }).click();
    await eventually("older lines are there", async () => await log.locator("span").count() > before);
    assert.equal(await log.locator("span").count(), 2 * before);
    assert.deepEqual(wrong, []);
  },
);
