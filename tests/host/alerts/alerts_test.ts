/**
 * Proves that each alert rule finds its condition, and that people are told once when it begins and once when it ends.
 */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { alertChannel, alertRule, DEFAULT_RULES } from "../../../host/alerts/alert_values.ts";
import { findAlerts, type Observed } from "../../../host/alerts/find_alerts.ts";
import { sendAlert } from "../../../host/alerts/send_alert.ts";
import { pluginView, startApi } from "../../kit/api_service.ts";

const BASE = "/_hogpen/api";
const NOTICE = {
  state: "firing",
  rule: "r",
  subject: "plugin_configs/39",
  message: "A (39) is disabled: no",
  at: "2026",
} as const;

Deno.test("each rule finds what it says, in the project it is for", async () => {
  const lag = { events: 5, seconds: 700 };
  const observed: Observed = {
    plugins: () => [
      { id: 1, teamId: 1, name: "A", status: { state: "disabled", reason: "it loops" } },
      { id: 2, teamId: 2, name: "B", status: { state: "running", reason: null } },
    ],
    consumers: () =>
      Promise.resolve([
        { id: "onEvent:2", project: 2, lag, lastError: { at: 0, message: "away" }, state: "waiting" },
      ]),
    events: () => Promise.resolve(new Map([[1, { in: 10, failed: 10 }], [2, { in: 100, failed: 60 }]])),
    log: () => ({ used: 9 * 1024 ** 3, max: 10 * 1024 ** 3 }),
    outages: () => [{ host: "https://eu.i.posthog.com", since: 0, failed: 7, message: "it answered 502" }],
    unreadable: () => [{ teamId: 2, names: "plugin config 3", reason: "it was sealed with another key" }],
    unowned: () =>
      Promise.resolve([
        { topic: "inbox", partitions: [1], all: 4, since: 130_000 },
        { topic: "outbox", partitions: [0, 1, 2, 3], all: 4, since: 120_000 },
      ]),
    now: () => 180_000,
    deadLetters: () => Promise.resolve([{ teamId: 2, consumer: "onEvent:2", count: 100 }]),
  };
  const rules = [...DEFAULT_RULES, alertRule.parse({ id: "x", when: "consumer_failing" })];
  assert.deepEqual((await findAlerts(rules, observed)).map(({ message }) => message), [
    "A (1) is disabled: it loops",
    "B (2) failed for 60 % of 100 events in 5 min",
    "onEvent:2 is 5 events and 700 s behind: away",
    "onEvent:2 gave up on 100 events in 60 min",
    "The event log is 90 % full (9.0 of 10.0 GB): at 100 % events are refused",
    "https://eu.i.posthog.com has not answered for 3 min (7 requests): it answered 502",
    "Events of project 2 wait for plugin config 3: it was sealed with another key",
    "No host owns 4 of 4 partitions of the outbox, so that nothing in them is delivered: start a host with HOGPEN_ROLE=consume or all",
    "onEvent:2 cannot deliver: away",
  ]);
  const own = rules.map((rule) => ({ ...rule, team_id: 1 }));
  assert.deepEqual((await findAlerts(own, observed)).map(({ teamId }) => teamId), [1]);
  assert.deepEqual(await findAlerts(rules.map((rule) => ({ ...rule, enabled: false })), observed), []);
});

Deno.test("an alert is told once when it begins and once when it ends; channels keep their secrets", async () => {
  await using api = await startApi();
  const put = (path: string, body: unknown) => api.call("PUT", `${BASE}/${path}`, body);
  const channel = await put("alert_channels/chat", { type: "webhook", url: "https://chat.example.com/secret-part" });
  assert.equal(channel.status, 200, JSON.stringify(channel.body));
  assert.equal(JSON.stringify(channel.body).includes("secret-part"), false);
  assert.equal(JSON.stringify(await api.store.things.list("alert_channel")).includes("secret-part"), false);
  assert.equal((await put("alert_channels/chat", { type: "pigeon" })).status, 400);
  assert.equal((await put("alert_rules/plugin-disabled", { when: "plugin_disabled", channels: ["chat"] })).status, 200);
  const view = pluginView({ status: { state: "disabled", reason: "it loops" } });
  api.plugins.push(view);
  await api.alerts.look();
  await api.alerts.look();
  const { body } = await api.call("GET", `${BASE}/alerts`);
  assert.deepEqual(body.results!.map(({ subject, message }) => [subject, message]), [
    ["plugin_configs/39", "Example (39) is disabled: it loops"],
  ]);
  view.status.state = "running";
  await api.alerts.look();
  assert.deepEqual(api.sent.map(({ channel, notice }) => [channel, notice.state]), [["chat", "firing"], [
    "chat",
    "over",
  ]]);
  assert.equal((await api.call("POST", `${BASE}/alert_channels/chat/test`)).body.delivered, true);
  assert.equal((await api.call("POST", `${BASE}/alert_channels/none/test`)).status, 404);
  assert.equal((await api.call("GET", `${BASE}/alert_rules`)).body.results!.length, DEFAULT_RULES.length);
  assert.equal((await api.call("DELETE", `${BASE}/alert_rules/plugin-disabled`)).status, 200);
  assert.equal((await api.call("DELETE", `${BASE}/alert_rules/plugin-disabled`)).status, 404);
  assert.equal((await api.call("GET", `${BASE}/alert_channels`)).body.results!.length, 1);
  assert.equal((await api.call("DELETE", `${BASE}/alert_channels/chat`)).status, 200);
  assert.equal((await api.call("DELETE", `${BASE}/alert_channels/chat`)).status, 404);
});

Deno.test("sendAlert() posts JSON to a webhook, and says when it was not taken", async () => {
  const got: unknown[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    got.push(await request.json());
    return new Response(null, { status: got.length === 1 ? 200 : 500 });
  });
  const channel = alertChannel.parse({ id: "w", type: "webhook", url: `http://127.0.0.1:${server.addr.port}/x` });
  await sendAlert(channel, NOTICE);
  assert.deepEqual(got[0], { text: NOTICE.message, ...NOTICE });
  await assert.rejects(sendAlert(channel, NOTICE), /answered 500/);
});

Deno.test("sendAlert() speaks SMTP", async () => {
  let mail = "";
  const server = createServer((socket) => {
    let inData = false;
    socket.write("220 test ESMTP\r\n");
    socket.on("data", (bytes: Uint8Array) => {
      const text = new TextDecoder().decode(bytes);
      mail += text;
      if (inData && /\r\n\.\r\n$/.test(mail)) {
        inData = false;
        socket.write("250 taken\r\n");
      } else if (/^DATA/im.test(text)) {
        inData = true;
        socket.write("354 go on\r\n");
      } else if (/^QUIT/im.test(text)) socket.end("221 bye\r\n");
      else if (!inData) socket.write("250 ok\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const fields = { id: "m", type: "smtp", host: "127.0.0.1", port, from: "hogpen@example.com", to: ["a@example.com"] };
  await sendAlert(alertChannel.parse(fields), NOTICE);
  await new Promise((resolve) => server.close(resolve));
  assert.match(mail, /RCPT TO:<a@example.com>/);
  assert.match(mail, /Subject: \[Hogpen\] A \(39\) is disabled: no/);
});
