/**
 * Proves that timestamps are read in every spelling PostHog accepts, independently of the machine's time zone, and
 * corrected for the client's clock.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseTimestamp, resolveTimestamp } from "../../../runtime/events/timestamp.ts";

const MIDNIGHT = Date.UTC(2021, 9, 29);
const NOW = "2021-10-29T01:00:00.000Z";

const SPELLINGS = [
  "2021-10-29",
  "2021-10-29 00:00:00",
  "2021-10-29 00:00:00.000000",
  "2021-10-29T00:00:00.000Z",
  "2021-10-29 00:00:00+00:00",
  "2021-10-29T00:00:00.000-00:00",
  "2021-10-29T00:00:00.000",
  "2021-10-29T00:00:00.000+00:00",
  "2021-W43-5",
  "2021-302",
];
for (const [i, spelling] of SPELLINGS.entries()) {
  Deno.test(`TS-${String(i + 1).padStart(2, "0")} parseTimestamp() reads ${spelling}`, () => {
    assert.equal(parseTimestamp(spelling), MIDNIGHT);
  });
}

Deno.test("parseTimestamp() reads basic format, offsets, precision, written dates and milliseconds", () => {
  const cases: [spelling: unknown, time: number][] = [
    ["20211029T000000Z", MIDNIGHT],
    ["2021-10-29T02:00:00+0200", MIDNIGHT],
    ["2021-10-28T19:00:00-05", MIDNIGHT],
    ["2021-10-29T05:30+05:30", MIDNIGHT],
    ["2021-10-29t00:00:00z", MIDNIGHT],
    [" 2021-10-29T00:00:00Z ", MIDNIGHT],
    ["2021-10-29 00:00:00 UTC", MIDNIGHT],
    ["2021-10-28T24:00:00Z", MIDNIGHT],
    ["2021-10-29T00:00:00,5", MIDNIGHT + 500],
    ["2021-10-29T00:00:00.123456789Z", MIDNIGHT + 123],
    ["2021-10-29T00:00:00.1Z", MIDNIGHT + 100],
    ["2020-W53-7", Date.UTC(2021, 0, 3)],
    ["2021-W01", Date.UTC(2021, 0, 4)],
    ["2020-366", Date.UTC(2020, 11, 31)],
    ["2021-10", Date.UTC(2021, 9, 1)],
    ["2021", Date.UTC(2021, 0, 1)],
    ["Fri, 29 Oct 2021 00:00:00 GMT", MIDNIGHT],
    ["Fri Oct 29 2021 02:00:00 GMT+0200 (Central European Summer Time)", MIDNIGHT],
    ["29 Oct 2021 00:00:00", MIDNIGHT],
    [MIDNIGHT, MIDNIGHT],
  ];
  for (const [spelling, time] of cases) assert.equal(parseTimestamp(spelling), time, String(spelling));
});

Deno.test("parseTimestamp() does not depend on the time zone of the machine", async () => {
  const code = `import { parseTimestamp } from ${
    JSON.stringify(import.meta.resolve("../../../runtime/events/timestamp.ts"))
  };
    console.log(JSON.stringify([...${JSON.stringify(SPELLINGS)}, "29 Oct 2021 00:00:00"].map(parseTimestamp)));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    env: { TZ: "America/St_Johns" },
  }).output();
  const times: number[] = JSON.parse(new TextDecoder().decode(stdout));
  assert.deepEqual(new Set(times), new Set([MIDNIGHT]));
});

Deno.test("parseTimestamp() is NaN for what is no time", () => {
  for (
    const wrong of [
      "",
      "yesterday",
      "2021-13-01",
      "2021-02-30",
      "2021-366",
      "2021-000",
      "2021-W54",
      "2021-W00",
      "2021-10-29T25:00",
      "1",
      "12:00",
      null,
      {},
      NaN,
      9e15,
    ]
  ) {
    assert.ok(Number.isNaN(parseTimestamp(wrong)), String(wrong));
  }
});

Deno.test("parseTimestamp() gives up long texts at once", () => {
  // Matching this against the zone of a written date would take hours.
  assert.ok(Number.isNaN(parseTimestamp(`Fri, ${"z(".repeat(500_000)}`)));
});

Deno.test("parseTimestamp() reads whatever toISOString writes, and never throws", () => {
  fc.assert(fc.property(fc.date({ noInvalidDate: true, min: new Date(0) }), (date) => {
    assert.equal(parseTimestamp(date.toISOString()), date.getUTCFullYear() < 10_000 ? date.getTime() : NaN);
  }));
  fc.assert(fc.property(fc.anything(), (value) => {
    parseTimestamp(value);
  }));
  fc.assert(fc.property(fc.stringMatching(/^[\dTWZ:+. -]*$/), (text) => {
    parseTimestamp(text);
  }));
});

function resolved(
  fields: { timestamp?: string; sent_at?: string; offset?: number; properties?: Record<string, unknown> },
) {
  return new Date(resolveTimestamp({ now: NOW, properties: {}, ...fields })).toISOString();
}

Deno.test("TS-11 resolveTimestamp() takes the client's clock into account", () => {
  assert.equal(
    resolved({ timestamp: "2021-10-30T03:02:00.000Z", sent_at: "2021-10-30T03:12:00.000Z" }),
    "2021-10-29T00:50:00.000Z",
  );
});
Deno.test("TS-12 resolveTimestamp() compares times of different zones", () => {
  assert.equal(
    resolved({ timestamp: "2021-10-30T03:02:00.000+04:00", sent_at: "2021-10-30T03:12:00.000+04:00" }),
    "2021-10-29T00:50:00.000Z",
  );
  assert.equal(
    resolved({ timestamp: "2021-10-30T07:02:00.000+04:00", sent_at: "2021-10-30T03:12:00.000Z" }),
    "2021-10-29T00:50:00.000Z",
  );
});
Deno.test("TS-13 resolveTimestamp() without sent_at is the time-stamp", () => {
  assert.equal(resolved({ timestamp: "2021-10-30T03:02:00.000+04:00" }), "2021-10-29T23:02:00.000Z");
});
Deno.test("TS-14 TS-15 resolveTimestamp() counts back by offset, with sent_at or not", () => {
  assert.equal(resolved({ offset: 150, sent_at: "2021-10-30T03:12:00.000Z" }), "2021-10-29T00:59:59.850Z");
  assert.equal(resolved({ offset: 150 }), "2021-10-29T00:59:59.850Z");
});
Deno.test("resolveTimestamp() leaves the time-stamp alone when sent_at is to be ignored", () => {
  assert.equal(
    resolved({
      timestamp: "2021-10-30T03:02:00Z",
      sent_at: "2021-10-30T03:12:00Z",
      properties: { $ignore_sent_at: true },
    }),
    "2021-10-30T03:02:00.000Z",
  );
});
Deno.test("resolveTimestamp() is now for what is no time, or out of reach", () => {
  assert.equal(resolved({}), NOW);
  assert.equal(resolved({ timestamp: "soon" }), NOW);
  assert.equal(resolved({ timestamp: "" }), NOW);
  assert.equal(resolved({ offset: 1e18 }), NOW);
  assert.equal(resolved({ timestamp: "2021-10-29T00:00:00Z", sent_at: "never" }), "2021-10-29T00:00:00.000Z");
});
