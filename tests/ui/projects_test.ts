/**
 * Proves that a project, the PostHog behind it and its destinations can be made, changed, tried and removed in the
 * page.
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { BROWSER_TEST, openOperatorPage } from "../kit/operator_page.ts";
import { startTestService } from "../kit/service.ts";

interface ShownProject {
  id: number;
  name: string;
  token: string;
  upstream: { host: string } | null;
}

Deno.test(
  "a project is made, put in front of a PostHog, given destinations, and removed again",
  BROWSER_TEST,
  async () => {
    await using service = await startTestService();
    await using operator = await openOperatorPage(service);
    const { page, open, wrong } = operator;
    const made = async () => {
      const { results } = await service.api<{ results: ShownProject[] }>("/_hogpen/api/projects");
      return results.find(({ name }) => name === "Shop");
    };
    page.on("dialog", (dialog) => dialog.accept());
    await open("projects");
    await page.getByLabel("Name of the project").fill("Shop");
    await page.getByLabel("Token").fill("phc_shop");
    await page.getByRole("button", { name: "Add a project" }).click();
    const shop = page.getByRole("region", { name: "Shop" });
    await shop.waitFor();

    await shop.getByText("Put it in front of a PostHog").click();
    await shop.getByLabel("Address of that PostHog").fill("http://127.0.0.1:9");
    await shop.getByRole("button", { name: "Save" }).click();
    await eventually(
      "the project has its upstream",
      async () => (await made())?.upstream?.host === "http://127.0.0.1:9",
    );

    await shop.getByText("Add a destination").click();
    const form = shop.locator("form").last();
    await form.getByLabel("Name").fill("cloud");
    await form.getByRole("button", { name: "Add" }).click();
    await shop.getByText(/PostHog: .*127\.0\.0\.1:9/).waitFor();
    await form.getByLabel("Kind").selectOption("ndjson");
    await form.getByLabel("Name").fill("file");
    await form.getByLabel("Path on the service's machine").fill(`${service.folder}/out.ndjson`);
    await form.getByRole("button", { name: "Add" }).click();
    await shop.getByText("file", { exact: true }).waitFor();

    await service.capture({ api_key: "phc_shop", event: "bought", distinct_id: "me" });
    await eventually("the file has the event", async () => {
      const text = await Deno.readTextFile(`${service.folder}/out.ndjson`).catch(() => "");
      return text.includes("bought");
    });

    await shop.getByRole("article").filter({ hasText: "file" }).getByText("Options").click();
    const options = page.getByLabel("Options of file");
    await options.fill(JSON.stringify({ path: `${service.folder}/other.ndjson` }));
    await shop.getByRole("button", { name: "Save" }).last().click();
    await shop.getByText(/^File: .*other\.ndjson/).waitFor();

    for (const name of ["file", "cloud"]) {
      await shop.getByRole("button", { name: `Delete ${name}` }).click();
      await shop.getByText(name, { exact: true }).waitFor({ state: "detached" });
    }
    await shop.getByRole("button", { name: "Delete Shop" }).click();
    await shop.waitFor({ state: "detached" });
    assert.equal(await made(), undefined);
    assert.deepEqual(wrong, []);
  },
);
