/**
 * Proves that apps are put into another order by dragging one onto another, and by keys.
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { BROWSER_TEST, openOperatorPage } from "../kit/operator_page.ts";
import { startTestService } from "../kit/service.ts";

Deno.test("an app takes another's place by being dragged onto it, and moves by keys", BROWSER_TEST, async () => {
  await using service = await startTestService({ config: { projects: [{ id: 1, token: "phc_one" }] } });
  for (const [at, name] of ["First", "Second", "Third"].entries()) {
    const source = { inline: "exports.onEvent = () => {}", name };
    await service.api("/_hogpen/api/plugin_configs", "POST", { team_id: 1, source, order: at });
  }
  const order = async () => {
    const { results } = await service.api<{ results: { id: number; order: number }[] }>("/_hogpen/api/plugin_configs");
    return results.toSorted((a, b) => a.order - b.order).map(({ id }) => id - 1_000_000).join();
  };
  await using operator = await openOperatorPage(service);
  const { page } = operator;
  const row = (name: string) =>
    page.getByRole("article").filter({ has: page.getByRole("link", { name, exact: true }) });
  await row("Third").locator(".handle").dragTo(row("First").locator(".order"));
  await eventually("the third one stands before the first", async () => await order() === "3,1,2");
  await eventually("the page shows it so", async () => {
    return (await page.getByRole("article").locator("h3 a").allTextContents()).join() === "Third,First,Second";
  });
  await page.getByRole("button", { name: "Move Second up" }).focus();
  await page.keyboard.press("Enter");
  await eventually("the second one is in the middle", async () => await order() === "3,2,1");
  assert.deepEqual(operator.wrong, []);
});
