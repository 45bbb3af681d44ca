/** Proves that a small body that expands into too many events is refused before the events use up the memory. */

import assert from "node:assert/strict";
import zlib from "node:zlib";
import { startTestService } from "../kit/service.ts";

const TOKEN = "phc_many";
const EVENT = '{"event":"e","distinct_id":"d"}';

function batchOf(count: number): string {
  return `{"api_key":"${TOKEN}","batch":[${new Array<string>(count).fill(EVENT).join()}]}`;
}

Deno.test("a small body that becomes hundreds of thousands of events is refused with 413, in every coding", async () => {
  await using service = await startTestService({ config: { projects: [{ id: 1, token: TOKEN, plugins: [] }] } });
  const codings: [name: string, pack: (text: string) => Uint8Array<ArrayBuffer>][] = [
    ["gzip", (text) => new Uint8Array(zlib.gzipSync(text))],
    ["deflate", (text) => new Uint8Array(zlib.deflateSync(text))],
    ["br", (text) => new Uint8Array(zlib.brotliCompressSync(text))],
  ];
  const send = (body: BodyInit, headers: Record<string, string>, path = "/batch") =>
    fetch(new URL(path, service.url), { method: "POST", body, headers });
  for (const [name, pack] of codings) {
    const headers = { "content-type": "application/json", "content-encoding": name };
    const response = await send(pack(batchOf(300_000)), headers);
    assert.deepEqual([name, response.status], [name, 413]);
    assert.match(JSON.stringify(await response.json()), /more than 10000 events/);
    const v1 = await send(
      pack(batchOf(300_000)),
      { ...headers, authorization: `Bearer ${TOKEN}` },
      "/i/v1/analytics/events",
    );
    assert.equal(v1.status, 413);
    await v1.body?.cancel();
  }
  const form = new URLSearchParams({ data: btoa(batchOf(300_000)) });
  const inForm = await send(form, {}, "/batch");
  assert.equal(inForm.status, 413);
  await inForm.body?.cancel();
});
