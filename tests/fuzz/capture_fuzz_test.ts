/**
 * Proves, with generated requests, that capture never answers with a server error, stores only valid JSON that holds
 * what was sent, and parses in linear time.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import fc from "fast-check";
import LZString from "lz-string";
import { decompressLz64 } from "../../host/capture/body/lz64.ts";
import { decodeText, parseJson } from "../../host/capture/body/parse_json.ts";
import { CaptureError } from "../../host/capture/capture_error.ts";
import { fuzzRuns } from "../kit/fuzz.ts";
import { type CaptureService, startCaptureService, TOKEN } from "../kit/capture_service.ts";

const paths = fc.constantFrom(
  "/e",
  "/batch/",
  "/engage",
  "/s/",
  "/i/v0/e",
  "/i/v1/analytics/events",
  "/decide",
  "/flags",
  "/flags?v=2&config=true",
);
const query = fc.constantFrom(
  "",
  "compression=gzip",
  "compression=gzip-js",
  "compression=lz64",
  "compression=base64",
  "_=x",
  "v=%00",
);
const contentType = fc.constantFrom(
  "",
  "application/json",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/form-data; boundary=x",
  "application/octet-stream",
  "image/png; x=\u00e9",
);
const encoding = fc.constantFrom("", "gzip", "deflate", "br", "zstd", "lz64", "identity", "gzip, br", "zstd,,");

const anyKey = fc.oneof(
  fc.constantFrom(
    "event",
    "distinct_id",
    "$distinct_id",
    "properties",
    "token",
    "api_key",
    "batch",
    "uuid",
    "sent_at",
    "timestamp",
    "$set",
    "__proto__",
    "project_id",
  ),
  fc.string(),
);
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(TOKEN, "$snapshot", "e", null, 0, -1, 1e308, true),
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.array(tie("value")),
    fc.dictionary(anyKey, tie("value")),
  ),
})).value;
const json = anyValue.map((value) => JSON.stringify(value));

/** Bytes that are noise, and bytes that are packed JSON with something wrong here and there. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.from(noise)),
  json.map((text) => Buffer.from(text)),
  json.map((text) => zlib.gzipSync(text)),
  json.map((text) => zlib.deflateSync(text)),
  json.map((text) => Buffer.from(Buffer.from(text).toString("base64"))),
  json.map((text) => Buffer.from(LZString.compressToBase64(text))),
  json.map((text) => Buffer.from(`data=${encodeURIComponent(text)}&compression=gzip`)),
);
const damaged = fc.tuple(bytes, fc.nat(), fc.nat(255), fc.boolean()).map(([packed, at, byte, damage]) => {
  if (damage && packed.length > 0) packed[at % packed.length] = byte;
  return packed;
});

async function mustBeAnswered(service: CaptureService, path: string, init: RequestInit): Promise<void> {
  const response = await service.request(path, init);
  const text = await response.text();
  assert.ok(response.status < 500, `${response.status} ${text}`);
  assert.doesNotThrow(() => JSON.parse(text), text);
}

Deno.test("capture() answers every body with less than 500 and JSON", async () => {
  await using service = await startCaptureService();
  await fc.assert(
    fc.asyncProperty(paths, query, contentType, encoding, damaged, async (path, search, type, coding, body) => {
      const headers: Record<string, string> = { authorization: `Bearer ${TOKEN}`, origin: "null" };
      if (type) headers["content-type"] = type;
      if (coding) headers["content-encoding"] = coding;
      const separator = path.includes("?") ? "&" : "?";
      await mustBeAnswered(service, `${path}${separator}${search}`, {
        method: "POST",
        body: new Uint8Array(body),
        headers,
      });
    }),
    { numRuns: fuzzRuns(1500) },
  );
});

Deno.test("capture() answers every GET with less than 500 and JSON", async () => {
  await using service = await startCaptureService();
  await fc.assert(
    fc.asyncProperty(
      paths.filter((path) => !path.includes("v1")),
      damaged,
      fc.string({ unit: "binary" }),
      async (path, body, token) => {
        const data = encodeURIComponent(body.toString("latin1"));
        const url = new URL(`http://localhost${path}`);
        url.searchParams.set("token", token);
        await mustBeAnswered(service, `${url.pathname}${url.search}&data=${data}`, {});
      },
    ),
    { numRuns: fuzzRuns(500) },
  );
});

Deno.test("capture() stores what it took as JSON that holds what was sent", async () => {
  await using service = await startCaptureService();
  let stored = 0;
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string({ unit: "binary" }), anyValue), async (values) => {
      const response = await service.post("/e", { event: "e", distinct_id: "d", token: TOKEN, properties: { values } });
      assert.equal(response.status, 200, await response.text());
      stored++;
      assert.deepEqual((await service.events()).at(-1)?.properties.values, JSON.parse(JSON.stringify(values)));
    }),
    { numRuns: 100 },
  );
  assert.equal((await service.events()).length, stored);
});

Deno.test("capture() refuses JSON nested so deeply that it might not be written again", async () => {
  await using service = await startCaptureService();
  const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}${"]}".repeat(depth / 2)}`;
  const event = (properties: string) => `{"token":"${TOKEN}","event":"e","distinct_id":"d","properties":${properties}}`;
  for (const depth of [1_000, 6_000, 200_000]) {
    const response = await service.request("/e", { method: "POST", body: event(nested(depth)) });
    assert.equal(response.status, 400);
    assert.match((await response.json()).detail, /nested more than 1000 levels/);
  }
  for (const properties of [nested(998), JSON.stringify({ text: nested(2_000), list: Array(3_000).fill([{}]) })]) {
    const response = await service.request("/e", { method: "POST", body: event(properties) });
    assert.equal(response.status, 200, await response.text());
  }
  const distinctId = `{"token":"${TOKEN}","event":"e","distinct_id":${nested(200_000)}}`;
  assert.ok((await service.request("/e", { method: "POST", body: distinctId })).status < 500);
});

Deno.test("decompressLz64() undoes what LZString does, and bounds what it makes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ unit: "binary", minLength: 1 }),
        fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 300 }),
      ),
      async (text) => {
        assert.equal(await decompressLz64(LZString.compressToBase64(text), text.length), text);
        await assert.rejects(decompressLz64(LZString.compressToBase64(text), text.length - 1), CaptureError);
      },
    ),
  );
  await fc.assert(fc.asyncProperty(fc.base64String(), async (noise) => {
    try {
      assert.ok((await decompressLz64(noise, 1000)).length <= 1000);
    } catch (error) {
      assert.ok(error instanceof CaptureError);
    }
  }));
});

Deno.test("parseJson() takes time in proportion to the text, whatever is in it", () => {
  for (const text of ['"\\"'.repeat(500_000) + " NaN", `{"a": "${"\\\\".repeat(500_000)}`, "NaN ".repeat(250_000)]) {
    const begin = performance.now();
    assert.throws(() => parseJson(text), CaptureError);
    // Quadratic work on this much text takes minutes.
    assert.ok(performance.now() - begin < 5_000);
  }
});

Deno.test("decodeText() reads every text back, with surrogates encoded in pairs or one by one", () => {
  const cesu8 = (text: string) =>
    Buffer.concat(Array.from({ length: text.length }, (_, i) => {
      const code = text.charCodeAt(i);
      return code >= 0xd800 && code <= 0xdfff
        ? Buffer.from([0xe0 | code >> 12, 0x80 | code >> 6 & 0x3f, 0x80 | code & 0x3f])
        : Buffer.from(text.charAt(i));
    }));
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.equal(decodeText(Buffer.from(text)), text);
    assert.equal(decodeText(cesu8(text)), text);
  }));
});
