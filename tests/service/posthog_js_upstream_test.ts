/**
 * Proves with posthog-js of today and of years ago, in a real Chromium, that a page works through Hogpen as it does
 * with PostHog itself: the same flags, surveys, scripts and console; and that what the page sends is what PostHog gets,
 * but for what plugins change.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { delay } from "../kit/delay.ts";
import { eventually } from "../kit/eventually.ts";
import { findChromium } from "../kit/servers/chromium.ts";
import { startNginx } from "../kit/servers/nginx.ts";
import { type PostHogServer, type ScriptVersion, type SentEvent, startPostHog } from "../kit/servers/posthog.ts";
import { startTestService } from "../kit/service.ts";

/** The key is the same here and there, or another one. */
const SAME = "phc_same";
const HERE = "phc_here";
const THERE = "phc_there";

const PLUGIN = `export const processEvent = (event) => {
  event.properties.seen = true;
  if (event.event === "bought") event.properties.price = 10;
  return event;
};`;

/** What a page came to know. */
interface Report {
  flags: unknown;
  payload: unknown;
  active: unknown;
  surveys: unknown;
  features: unknown;
  siteApp: unknown;
  survey: unknown;
  scripts: string[];
  console: string[];
}

interface Visit {
  report: Report;
  /** What the browser sent, by the address that it was for. */
  sent: SentEvent[];
}

/** By itself posthog-js gives up on flags after 3 s and on surveys after 10 s, which a busy machine may take. */
function pageOf(host: string, token: string): string {
  return `<!doctype html><title>Shop</title><body><button id="buy">Buy</button><p>Hello</p>
<script src="${host}/static/array.js"></script>
<script>
window.report = { surveys: null, features: null };
posthog.init(${JSON.stringify(token)}, {
  api_host: ${
    JSON.stringify(host)
  }, opt_out_useragent_filter: true, opt_in_site_apps: true, disable_surveys_automatic_display: false,
  advanced_disable_decide: false, request_queue_config: { flush_interval_ms: 250 }, person_profiles: "always",
  session_recording: { compress_events: false },
  feature_flag_request_timeout_ms: 60_000, surveys_request_timeout_ms: 60_000,
});
posthog.onFeatureFlags(() => {
  if (report.flags) return;
  report.flags = posthog.getFeatureFlag("new-page");
  report.active = posthog.featureFlags.getFlags().sort();
  report.payload = posthog.getFeatureFlagPayload ? posthog.getFeatureFlagPayload("new-page") : null;
  if (posthog.getSurveys) posthog.getSurveys((found) => { report.surveys = found.map(({ name }) => name); }, true);
  if (posthog.getEarlyAccessFeatures) {
    posthog.getEarlyAccessFeatures((found) => { report.features = found.map(({ name }) => name); }, true);
  }
  document.querySelector("#buy").click();
  posthog.capture("bought", { price: 9, text: "ü💻", list: [1, { a: null }] });
  posthog.identify("user-1", { plan: "pro" });
});
</script>`;
}

/** Keeps what the page sends, as base64: browsers do not show the bodies of their requests in every form. */
const KEEP_SENT = `window.sentBodies = [];
const keep = async (url, body) => {
  if (!body || !/\\/(e|s|batch)\\/(\\?|$)/.test(String(url))) return;
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  sentBodies.push(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
};
const { fetch: plainFetch } = window;
window.fetch = (url, init) => { keep(url.url ?? url, init?.body); return plainFetch(url, init); };
const { open, send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (method, url, ...rest) { this.sentTo = url; return open.call(this, method, url, ...rest); };
XMLHttpRequest.prototype.send = function (body) { keep(this.sentTo, body); return send.call(this, body); };
const beacon = navigator.sendBeacon.bind(navigator);
navigator.sendBeacon = (url, body) => { keep(url, body); return beacon(url, body); };`;

async function visit(browser: Browser, host: string, token: string, version: ScriptVersion): Promise<Visit> {
  const pages = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(pageOf(host, token), { headers: { "content-type": "text/html" } }),
  );
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const lines: string[] = [];
    const scripts: string[] = [];
    const sent = async () =>
      (await page.evaluate("sentBodies") as string[]).flatMap((body) => unpack(Buffer.from(body, "base64")));
    await page.addInitScript(KEEP_SENT);
    const plain = (text: string) => text.replaceAll(host, "HOST").replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "PAGE");
    page.on("console", (message) => lines.push(plain(`${message.type()}: ${message.text()}`)));
    page.on("pageerror", (error) => lines.push(plain(`uncaught: ${error.message}`)));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (request.resourceType() === "script") scripts.push(plain(url.origin + url.pathname).replace(token, "TOKEN"));
    });
    await page.goto(`http://127.0.0.1:${pages.addr.port}/?utm_source=test`);
    // The oldest one knows no surveys, no early access features and no site apps.
    const isDone = version === "1.20"
      ? "report.flags"
      : "report.flags && report.features && report.surveys && window.siteAppRan";
    await page.waitForFunction(isDone, undefined, { timeout: 20_000 });
    const expected = ["bought", "$identify", ...(version === "1.20" ? [] : ["$snapshot"])];
    let names = new Set<string>();
    let looks = 0;
    await eventually("the page has sent its events", async () => {
      // To be asked all the time keeps a page from its work.
      await delay(250);
      // A recorder that is loaded after the page's own click sends nothing before its visitor does something.
      await page.mouse.move(10 + ++looks % 100, 10);
      names = new Set((await sent()).map(({ event }) => event));
      return expected.every((name) => names.has(name));
    }).catch((error) => assert.fail(`${error.message}: it sent ${[...names].join()}; ${lines.join("; ")}`));
    await delay(500);
    const found = await page.evaluate(
      "({ ...report, siteApp: window.siteAppRan, survey: document.querySelectorAll('[class^=PostHogSurvey]').length })",
    ) as Omit<Report, "scripts" | "console">;
    return { report: { ...found, scripts: scripts.sort(), console: lines }, sent: await sent() };
  } finally {
    await context.close();
    await pages.shutdown();
  }
}

function unpack(body: Uint8Array): SentEvent[] {
  const text = (body[0] === 0x1f ? gunzipSync(body) : Buffer.from(body)).toString();
  const form = /^data=([^&]+)/.exec(text)?.[1];
  const sent = JSON.parse(form === undefined ? text : Buffer.from(decodeURIComponent(form), "base64").toString());
  return Array.isArray(sent) ? sent : sent.batch ?? [sent];
}

function isRecording({ event }: SentEvent): boolean {
  return event === "$snapshot";
}

/** What names an event, and each piece of a recording. */
function nameOf({ event, uuid, properties }: SentEvent): string {
  return `${event} ${properties.$insert_id ?? uuid}`;
}

/** Every property that the page sent has arrived as it was, but for what the plugin did. */
function assertArrived(sent: SentEvent, arrived: SentEvent | undefined, key: string): void {
  assert.ok(arrived, `${nameOf(sent)} did not arrive`);
  const { token: _, ...properties } = sent.properties;
  const expected: Record<string, unknown> = { ...properties };
  if (!isRecording(sent)) expected.seen = true;
  if (sent.event === "bought") expected.price = 10;
  const found = Object.fromEntries(Object.keys(expected).map((name) => [name, arrived.properties[name]]));
  assert.deepEqual(found, expected, nameOf(sent));
  assert.ok([key, undefined].includes(arrived.properties.token as string | undefined), "the token is PostHog's");
}

async function assertAllArrived(posthog: PostHogServer, { sent }: Visit, key: string): Promise<void> {
  assert.ok(sent.length >= 4, "hardly anything was sent");
  for (const event of sent) {
    const arrived = isRecording(event)
      ? () => posthog.events(key).find((each) => isRecording(each) && holds(each, event))
      : () => posthog.events(key).find((each) => nameOf(each) === nameOf(event));
    assertArrived(event, await eventually(`${nameOf(event)} arrives`, arrived).catch(() => undefined), key);
  }
}

function holds(arrived: SentEvent, sent: SentEvent): boolean {
  return JSON.stringify(arrived.properties.$snapshot_data) === JSON.stringify(sent.properties.$snapshot_data);
}

Deno.test("posthog-js in Chromium cannot tell Hogpen from PostHog", {
  sanitizeOps: false,
  sanitizeResources: false,
}, async (test) => {
  await using posthog = startPostHog([SAME, THERE]);
  const upstream = { type: "posthog", host: posthog.url };
  const plugins = [{ source: { inline: PLUGIN, name: "mark" } }];
  const destinations = [{ id: "cloud", type: "posthog" }];
  await using service = await startTestService({
    env: { HOGPEN_PATH_PREFIX: "/ingest" },
    config: {
      projects: [
        { id: 1, token: SAME, upstream, plugins: [{ id: 1, ...plugins[0] }], destinations },
        {
          id: 2,
          token: HERE,
          upstream: { ...upstream, api_key: THERE },
          plugins: [{ id: 2, ...plugins[0] }],
          destinations,
        },
      ],
    },
  });
  await using nginx = await startNginx((port) =>
    `server { listen 127.0.0.1:${port}; location /relay/ {
  proxy_pass ${service.url}/; proxy_http_version 1.1; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Prefix /relay; proxy_request_buffering off; } }`
  );
  const browser = await chromium.launch({ executablePath: await findChromium(), args: ["--no-sandbox"] });
  try {
    for (const version of ["1.449", "1.100", "1.20"] as const) {
      posthog.scripts = version;
      const ways: [name: string, host: string, token: string, key: string][] = [
        ["with the same token", service.url, SAME, SAME],
        ["with another token", service.url, HERE, THERE],
        ["below a prefix", `${service.url}/ingest`, SAME, SAME],
        ["behind nginx", `${nginx.url}/relay`, HERE, THERE],
      ];
      const taken = version === "1.449" ? ways : ways.slice(0, 2);
      // A visit mostly waits for posthog-js to send what it has gathered, so all of a version go on at once.
      const [direct, ...visits] = await Promise.all([
        visit(browser, posthog.url, SAME, version),
        ...taken.map(([, host, token]) => visit(browser, host, token, version)),
      ]);
      const { flags, features, surveys, siteApp } = direct.report;
      const known = version === "1.20" ? [null, null, undefined] : [["Soon"], ["How is it?"], 1];
      assert.deepEqual([flags, features, surveys, siteApp], ["b", ...known]);
      for (const [index, [name, , , key]] of taken.entries()) {
        await test.step(`posthog-js ${version} ${name}`, async () => {
          const through = visits[index] as Visit;
          assert.deepEqual(through.report, direct.report);
          await assertAllArrived(posthog, through, key);
        });
      }
    }
  } finally {
    await browser.close();
  }
});
