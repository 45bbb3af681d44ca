/** Proves that capture bounds the bytes of the bodies it holds at once, and admits waiting requests in order. */

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { createAdmission, createByteGate, type Share } from "../../../../host/capture/body/byte_gate.ts";
import { readPayload } from "../../../../host/capture/body/read_payload.ts";
import { readBody } from "../../../../host/capture/body/read_body.ts";

/** What has entered by now. */
async function settled(shares: Promise<Share>[]): Promise<boolean[]> {
  const entered = shares.map(() => false);
  shares.forEach((share, i) => void share.then(() => entered[i] = true));
  await new Promise((resolve) => setTimeout(resolve, 0));
  return entered;
}

Deno.test("createByteGate() lets in what there is room for, in the order of the calls", async () => {
  const gate = createByteGate(100);
  const first = await gate(60);
  const waiting = [gate(60), gate(10), gate(1_000)];
  assert.deepEqual(await settled(waiting), [false, false, false]);
  first.shrink(50);
  assert.deepEqual(await settled(waiting), [false, false, false]);
  first.shrink(40);
  assert.deepEqual(await settled(waiting), [true, false, false]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.deepEqual(await settled(waiting), [true, true, false]);
  for (const share of waiting.slice(0, 2)) (await share)[Symbol.dispose]();
  assert.deepEqual(await settled(waiting), [true, true, true]);
  (await waiting[2])?.[Symbol.dispose]();
  const all = await gate(100);
  all[Symbol.dispose]();
});

Deno.test("readPayload() holds up what is large, does not tell or may become large, and nothing else", async () => {
  const json = '{"a":1}';
  const packed = new Uint8Array(gzipSync(json));
  const asked = async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) => {
    const request = new Request("http://localhost", { method: "POST", body, headers });
    const bytes: number[] = [];
    const { data } = await readPayload(request, new URLSearchParams(), 100_000, (wanted) => {
      bytes.push(wanted);
      return Promise.resolve();
    });
    assert.deepEqual(data, { a: 1 });
    return bytes;
  };
  assert.deepEqual(await asked(json, { "content-length": "7" }), []);
  assert.deepEqual(await asked(json, {}), [100_000]);
  assert.deepEqual(await asked(json, { "content-length": "70000" }), [100_000]);
  assert.deepEqual(await asked(packed, { "content-length": String(packed.length) }), [packed.length * 1_032]);
});

Deno.test("createAdmission() asks the gate once, and gives back what it holds", async () => {
  const gate = createByteGate(10);
  const first = createAdmission(gate);
  await first.admit(10);
  await first.admit(10);
  const second = gate(4);
  assert.deepEqual(await settled([second]), [false]);
  first.shrink(6);
  assert.deepEqual(await settled([second]), [true]);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await gate(10))[Symbol.dispose]();
});

Deno.test("readBody() gives up a body that does not come", async () => {
  const { promise: never, resolve } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({ pull: () => never });
  const request = new Request("http://localhost", { method: "POST", body });
  await assert.rejects(readBody(request, 100, undefined, 10), { status: 408 });
  resolve();
});
