/** Proves that capture decodes every body encoding that an SDK has ever sent. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import LZString from "lz-string";
import { startCaptureService, TOKEN } from "../../../kit/capture_service.ts";

const event = { event: "purchase", properties: { token: TOKEN, distinct_id: "2", note: "💻 Writing code" } };
const json = JSON.stringify(event);
const base64 = Buffer.from(json).toString("base64");
const gzipped = zlib.gzipSync(json);

async function stores(path: string, init: RequestInit, status = 200): Promise<void> {
  await using service = await startCaptureService();
  const response = await service.request(path, init);
  const body = await response.text();
  assert.equal(response.status, status, body);
  if (status === 200) assert.equal(JSON.parse(body).status, 1);
  const [stored] = await service.events();
  assert.equal(stored?.event, "purchase");
  assert.equal(stored?.distinct_id, "2");
  assert.equal(stored?.properties.note, "💻 Writing code");
}

async function refuses(path: string, init: RequestInit, detail: RegExp | string, status = 400): Promise<void> {
  await using service = await startCaptureService();
  const response = await service.request(path, init);
  const body = await response.json();
  assert.equal(response.status, status);
  assert.match(body.detail, typeof detail === "string" ? new RegExp(`^${RegExp.escape(detail)}`) : detail);
  assert.equal(body.attr, null);
  assert.deepEqual(await service.events(), []);
}

const form = (fields: Record<string, string>) => ({ method: "POST", body: new URLSearchParams(fields) });
const post = (body: string | Uint8Array, headers: Record<string, string> = {}) => ({
  method: "POST",
  body: typeof body === "string" ? body : new Uint8Array(body),
  headers,
});

Deno.test("CP-01 GET /e/ takes base64 in data", () => stores(`/e/?data=${encodeURIComponent(base64)}`, {}));
Deno.test("CP-01 GET /e/ takes JSON in data", () => stores(`/e/?data=${encodeURIComponent(json)}`, {}));
Deno.test("CP-10 POST takes form data as JSON", () => stores("/track/", form({ data: json })));
Deno.test("capture() takes form data as base64, as sendBeacon sends it", () =>
  stores("/e/?compression=base64&beacon=1", form({ data: base64 }), 204));
Deno.test("capture() takes multipart forms", () => {
  const fields = new FormData();
  fields.append("data", json);
  return stores("/e", { method: "POST", body: fields });
});
Deno.test("capture() takes JSON that curl calls a form", () =>
  stores("/e", post(json, { "content-type": "application/x-www-form-urlencoded" })));
Deno.test("capture() takes data= in a plain text body", () =>
  stores("/e", post(`data=${encodeURIComponent(base64)}&compression=base64`, { "content-type": "text/plain" })));
Deno.test("CP-12 gzip-js: gzip bytes as text/plain", () =>
  stores("/e/?compression=gzip-js", post(gzipped, { "content-type": "text/plain" })));
Deno.test("RC-19 gzip is told by its first bytes, without any name", () => stores("/e", post(gzipped)));
Deno.test("RC-18 an uncompressed body is taken", () => stores("/e", post(json)));
Deno.test("capture() takes JSON although gzip was named", () => stores("/e?compression=gzip-js", post(json)));
Deno.test("capture() takes base64 of gzip", () =>
  stores("/e?compression=gzip", form({ data: Buffer.from(gzipped).toString("base64") })));
Deno.test("CP-21 gzip by Content-Encoding", () => stores("/batch", post(gzipped, { "content-encoding": "gzip" })));
Deno.test("CP-22 gzip by ?compression", () => stores("/batch?compression=gzip", post(gzipped)));
Deno.test("CP-23 lz64 by Content-Encoding", () =>
  stores("/batch", post(LZString.compressToBase64(json), { "content-encoding": "lz64" })));
Deno.test("CP-24 lz64 keeps emoji", async () => {
  await using service = await startCaptureService();
  const body = LZString.compressToBase64(JSON.stringify({ ...event, event: "☺️ 💻" }));
  assert.equal((await service.request("/batch?compression=lz64", post(body))).status, 200);
  assert.equal((await service.events())[0]?.event, "☺️ 💻");
});
Deno.test("capture() takes lz64 in a form with + turned into a space", () =>
  stores("/e", form({ compression: "lz64", data: LZString.compressToBase64(json).replaceAll("+", " ") })));
Deno.test("capture() takes deflate with and without zlib's header", async () => {
  await stores("/e", post(zlib.deflateSync(json), { "content-encoding": "deflate" }));
  await stores("/e", post(zlib.deflateRawSync(json), { "content-encoding": "deflate" }));
});
Deno.test("capture() takes brotli", () =>
  stores("/e", post(zlib.brotliCompressSync(json), { "content-encoding": "br" })));
Deno.test("capture() takes zstd", () =>
  stores("/e", post(zlib.zstdCompressSync(json), { "content-encoding": "zstd" })));
Deno.test("capture() takes gzip larger than is decompressed at once", async () => {
  await using service = await startCaptureService();
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("hex");
  const body = zlib.gzipSync(JSON.stringify({ ...event, properties: { ...event.properties, noise } }));
  assert.equal((await service.request("/e", post(body))).status, 200);
  assert.equal((await service.events())[0]?.properties.noise, noise);
});
Deno.test("CP-11 surrogates encoded one by one are joined", async () => {
  await using service = await startCaptureService();
  const [before, after] = json.split("💻");
  const bytes = Buffer.concat([
    Buffer.from(before ?? ""),
    Buffer.from("eda0bdedb2bb", "hex"),
    Buffer.from(after ?? ""),
  ]);
  const response = await service.request(`/e?data=${encodeURIComponent(bytes.toString("base64"))}`);
  assert.equal(response.status, 200);
  assert.equal((await service.events())[0]?.properties.note, "💻 Writing code");
});
Deno.test("half a surrogate, encoded by itself, stays one", async () => {
  await using service = await startCaptureService();
  const [before, after] = json.split("💻");
  const half = Buffer.from("eda0bd", "hex");
  const body = Buffer.concat([Buffer.from(before ?? ""), half, Buffer.from(after ?? "")]);
  assert.equal((await service.request("/e", post(body))).status, 200);
  assert.equal((await service.events())[0]?.properties.note, "\ud83d Writing code");
});
Deno.test("forms of more fields than any SDK sends are refused", async () => {
  const type = { "content-type": "application/x-www-form-urlencoded" };
  await refuses("/batch", post(`data=${encodeURIComponent(json)}${"&a=".repeat(2000)}`, type), /may have 1000 fields/);
  const many = new FormData();
  for (let field = 0; field < 2000; field++) many.append("a", "");
  await refuses("/batch", { method: "POST", body: many }, /may have 1000 fields/);
});
Deno.test("CP-17 base64 without padding", () => stores(`/e?data=${encodeURIComponent(base64.replace(/=+$/, ""))}`, {}));
Deno.test("CP-30 base64 variants: + and space, URL-safe", async () => {
  const spicy = { ...event, properties: { ...event.properties, x: "???>>>~~~ÿÿÿ" } };
  const text = Buffer.from(JSON.stringify(spicy)).toString("base64");
  assert.match(text, /[+/]/);
  await stores(`/e?data=${text.replaceAll("/", "%2F")}`, {});
  await stores(`/e?data=${encodeURIComponent(text)}`, {});
  await stores(`/e?data=${Buffer.from(text, "base64").toString("base64url")}`, {});
});

Deno.test("CP-13 broken gzip is refused", () =>
  refuses(
    "/e?compression=gzip",
    post(new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff])),
    "Malformed request data: Failed to decompress data. ",
  ));
Deno.test("CP-14 broken gzip without a content type is refused", () =>
  refuses(
    "/e?compression=gzip",
    post(Buffer.from("eyJldmVudCI")),
    "Malformed request data: Failed to decompress data. ",
  ));
Deno.test("CP-15 gzip that ends early is refused", () =>
  refuses(
    "/e?compression=gzip",
    post(gzipped.subarray(0, 40), { "content-type": "text/plain" }),
    "Malformed request data: Failed to decompress data. Compressed file ended before the end-of-stream marker was reached",
  ));
Deno.test("CP-16 broken lz64 is refused", () =>
  refuses("/e?compression=lz64", post("foo"), "Malformed request data: Failed to decompress data."));
Deno.test("CP-18 empty GET and POST are refused", async () => {
  await refuses("/e/", {}, "No data found.");
  await refuses("/e/", { method: "POST" }, "No data found.");
  await refuses("/e/", form({}), "No data found.");
  await refuses("/e/", post("[]"), "No data found.");
  await refuses("/e/", post("{}"), "No data found.");
});
Deno.test("CP-34 text that is no JSON is refused", () =>
  refuses("/e", post("{not json", { "content-type": "application/json" }), "Malformed request data: Invalid JSON: "));
Deno.test("capture() refuses a body that is too large before reading it, and while it streams", async () => {
  await refuses("/e", post(new Uint8Array(2 * 1024 * 1024 + 1), { "content-length": "2097153" }), /too large/, 413);
  const chunk = new Uint8Array(256 * 1024);
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent++;
      controller.enqueue(chunk);
    },
  });
  await refuses("/batch", { method: "POST", body: endless }, /too large/, 413);
  assert.ok(sent < 100, `${sent} chunks were read`);
});
Deno.test("RC-11 RC-12 more than 2 MiB for an event and 20 MiB for a batch are refused", async () => {
  await refuses("/i/v0/e", post(JSON.stringify({ ...event, x: "x".repeat(2 * 1024 * 1024) })), /too large/, 413);
  await refuses("/i/v0/e", post(JSON.stringify({ ...event, x: "x".repeat(2 * 1024 * 1024 - 200) })), /larger than/);
  await refuses("/batch", post(" ".repeat(20 * 1024 * 1024) + json), /too large/, 413);
});
Deno.test("capture() refuses bombs of every compression", async () => {
  const zeros = new Uint8Array(3 * 1024 * 1024);
  await refuses("/e", post(zlib.gzipSync(zeros)), /when decompressed/, 413);
  await refuses("/e", post(zlib.deflateSync(zeros), { "content-encoding": "deflate" }), /when decompressed/, 413);
  await refuses("/e", post(zlib.brotliCompressSync(zeros), { "content-encoding": "br" }), /when decompressed/, 413);
  await refuses("/e", post(zlib.zstdCompressSync(zeros), { "content-encoding": "zstd" }), /when decompressed/, 413);
  const text = LZString.compressToBase64("a".repeat(3 * 1024 * 1024));
  await refuses("/e?compression=lz64", post(text), /when decompressed/, 413);
});
Deno.test("capture() asks to send again without the large event when a batch holds one", () =>
  refuses("/batch", post(JSON.stringify([event, { ...event, x: "x".repeat(1024 * 1024) }])), /larger than/, 413));
Deno.test("capture() refuses what the log would not take, recordings too", async () => {
  await using service = await startCaptureService();
  Object.assign(service.log, { maxEventBytes: 3000 + 96 * 1024 });
  const large = { ...event, properties: { ...event.properties, x: "x".repeat(3000) } };
  const recording = { $snapshot_data: "x".repeat(3000), $session_id: "s" };
  const snapshot = { event: "$snapshot", properties: { ...event.properties, ...recording } };
  for (const [path, sent] of [["/e", large], ["/s", [snapshot]]] as const) {
    const answer = await service.post(path, sent);
    assert.equal(answer.status, 400, path);
    assert.match((await answer.json()).detail, /larger than 3000 bytes/);
  }
  assert.equal((await service.post("/batch", [event, large])).status, 413);
  assert.equal((await service.post("/e", event)).status, 200);
  assert.equal((await service.events()).length, 1);
});
