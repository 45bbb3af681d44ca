import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";
import { parseUserAgent } from "./parse_user_agent.ts";

const MAC_SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0 Safari/605.1.15";

Deno.test("parseUserAgent() knows common browsers, systems and devices", () => {
  const cases: [string, string | null, number | null, string | null, string | null, string | null][] = [
    [MAC_SAFARI, "Safari", 14, "Mac OS X", "10.15.7", "Desktop"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 14_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0.3 Mobile/15E148 Safari/604.1",
      "Mobile Safari",
      14,
      "iOS",
      "14.4",
      "Mobile",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
      "Chrome",
      120,
      "Windows",
      "10",
      "Desktop",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.61",
      "Microsoft Edge",
      120,
      "Windows",
      "10",
      "Desktop",
    ],
    [
      "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
      "Firefox",
      121,
      "Linux",
      null,
      "Desktop",
    ],
    [
      "Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
      "Samsung Internet",
      23,
      "Android",
      "13",
      "Mobile",
    ],
    [
      "Mozilla/5.0 (Linux; Android 12; Pixel Tablet) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36",
      "Chrome",
      119,
      "Android",
      "12",
      "Tablet",
    ],
    [
      "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/116.0.5845.103 Mobile/15E148 Safari/604.1",
      "Chrome iOS",
      116,
      "iOS",
      "16.6",
      "Tablet",
    ],
    [
      "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
      "Internet Explorer",
      11,
      "Windows",
      "7",
      "Desktop",
    ],
    [
      "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
      "Chrome",
      118,
      "Chrome OS",
      "14541.0.0",
      "Desktop",
    ],
    ["curl/8.4.0", null, null, null, null, null],
    ["", null, null, null, null, null],
  ];
  for (const [text, ...expected] of cases) {
    const { browser, browserVersion, os, osVersion, deviceType } = parseUserAgent(text);
    assert.deepEqual([browser, browserVersion, os, osVersion, deviceType], expected, text);
  }
});

Deno.test("parseUserAgent() tells robots from people", () => {
  const bots = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "facebookexternalhit/1.1",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/119.0.0.0 Safari/537.36",
  ];
  for (const bot of bots) assert.equal(parseUserAgent(bot).browserType, "bot", bot);
  assert.equal(parseUserAgent(MAC_SAFARI).browserType, "browser");
  assert.equal(parseUserAgent("Mozilla/5.0 (Linux; Android 9; CUBOT X19) Chrome/80.0 Mobile").browserType, "browser");
});

Deno.test("user_agent adds what is missing, from any of the three properties", async () => {
  await using plugin = await startPlugin(import.meta.dirname);
  for (const source of ["$useragent", "$user-agent", "$raw_user_agent"]) {
    assert.deepEqual(await plugin.propertiesOf({ [source]: MAC_SAFARI, $browser: "mine" }), {
      [source]: MAC_SAFARI,
      $browser: "mine",
      $browser_version: 14,
      $browser_type: "browser",
      $os: "Mac OS X",
      $os_version: "10.15.7",
      $device_type: "Desktop",
    });
  }
  assert.deepEqual(await plugin.propertiesOf({ $useragent: "", a: 1 }), { $useragent: "", a: 1 });
  assert.equal((await plugin.processEvent({ properties: undefined }))?.properties, undefined);
});

Deno.test("user_agent replaces, removes and drops when told to", async () => {
  await using plugin = await startPlugin(import.meta.dirname, {
    config: { overrideExisting: "Yes", removeUserAgent: "Yes", dropBots: "Yes" },
  });
  const properties = await plugin.propertiesOf({ $useragent: MAC_SAFARI, $browser: "mine" });
  assert.equal(properties.$browser, "Safari");
  assert.equal("$useragent" in properties, false);
  assert.equal(await plugin.processEvent({ properties: { $useragent: "Googlebot/2.1" } }), null);
});
