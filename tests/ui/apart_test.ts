/** Proves that the page of an app says why it no longer shares a process, and lets it share again. */
import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { BROWSER_TEST, openOperatorPage } from "../kit/operator_page.ts";
import { startTestService } from "../kit/service.ts";

function marker(id: number) {
  const inline = `exports.processEvent = (event) => {
    if (event.event === "attack ${id}") /^(a+)+$/.test("a".repeat(50) + "!");
    return event;
  };`;
  return { id, source: { inline, name: `marker ${id}` }, order: id, timeoutSeconds: 1 };
}

Deno.test(
  "the page of an app that misbehaved says why it is alone, and lets it share again",
  BROWSER_TEST,
  async () => {
    await using service = await startTestService({
      config: { projects: [{ id: 1, token: "phc_shared", isolation: "shared", plugins: [marker(1), marker(2)] }] },
    });
    const apart = async () => (await service.api<{ apart: string | null }>("/_hogpen/api/plugin_configs/2")).apart;
    await service.capture({ api_key: "phc_shared", event: "attack 2", distinct_id: "u1", properties: {} });
    await eventually("it is moved", async () => await apart() !== null);

    await using opened = await openOperatorPage(service);
    const { page, wrong } = opened;
    await opened.open("apps/1");
    assert.equal(await page.getByRole("button", { name: "Share again" }).count(), 0, "its neighbour did nothing");
    await opened.open("apps/2");
    await page.getByText("For a day it has a process of its own, though its project shares them: a call to").waitFor();
    await page.getByRole("button", { name: "Share again" }).click();
    await page.getByText("For a day it has a process of its own").waitFor({ state: "detached" });
    assert.equal(await apart(), null);
    assert.deepEqual(wrong, []);
  },
);
