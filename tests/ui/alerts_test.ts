/**
 * Proves that who is told, and when, is set up in the page: a webhook that is tried, e-mail, and a rule that is
 * changed.
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { BROWSER_TEST, openOperatorPage } from "../kit/operator_page.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { startTestService } from "../kit/service.ts";

interface Rule {
  id: string;
  threshold: number;
  channels: string[];
}

Deno.test("channels are made and tried, and a rule is changed to tell one of them", BROWSER_TEST, async () => {
  await using receiver = new HttpReceiver(() => new Response("ok"));
  await using service = await startTestService();
  await using operator = await openOperatorPage(service);
  const { page, open, wrong } = operator;
  await open("alerts");
  await page.getByLabel("Name", { exact: true }).fill("chat");
  await page.getByLabel("Address", { exact: true }).fill(`${receiver.url}/hook`);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("button", { name: "Test chat" }).click();
  await page.getByText("It was delivered.").waitFor();
  assert.deepEqual(receiver.requests.map(({ path }) => path), ["/hook"]);

  await page.getByRole("button", { name: "E-mail" }).click();
  await page.getByLabel("Name", { exact: true }).fill("mail");
  await page.getByLabel("Mail server").fill("127.0.0.1");
  await page.getByLabel("Port", { exact: true }).fill("9");
  await page.getByLabel("Password", { exact: true }).fill("s3cret");
  await page.getByLabel("From", { exact: true }).fill("hogpen@example.com");
  await page.getByLabel("To", { exact: true }).fill("ann@example.com, bob@example.com");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("button", { name: "Test mail" }).click();
  await page.getByText("It was not delivered:").waitFor();
  const channels = await service.api<{ results: { id: string; to?: string[] }[] }>("/_hogpen/api/alert_channels");
  assert.deepEqual(channels.results.find(({ id }) => id === "mail")?.to, ["ann@example.com", "bob@example.com"]);
  assert.equal(JSON.stringify(channels).includes("s3cret"), false);

  await page.getByLabel("Change the rule consumer-behind").click();
  const form = page.locator("details[open] form");
  await form.getByLabel("Threshold (seconds)").fill("60");
  await form.getByLabel("Tell").selectOption("chat");
  await form.getByRole("button", { name: "Save" }).click();
  await eventually("the rule is changed", async () => {
    const { results } = await service.api<{ results: Rule[] }>("/_hogpen/api/alert_rules");
    const rule = results.find(({ id }) => id === "consumer-behind");
    return rule?.threshold === 60 && rule.channels.join() === "chat";
  });
  await page.getByText("from 60 seconds; tells chat").waitFor();
  assert.deepEqual(wrong, []);
});
