/** Proves that multipart forms are read as the platform writes them, and that what is none is refused. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_FIELDS, splitMultipart } from "../../../../host/capture/body/multipart.ts";
import { CaptureError } from "../../../../host/capture/capture_error.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

async function written(form: FormData): Promise<[body: Uint8Array, contentType: string]> {
  const response = new Response(form);
  return [await response.bytes(), response.headers.get("content-type") ?? ""];
}

Deno.test("splitMultipart() reads back every form that the platform writes", async () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !/["\r\n]/.test(text));
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(name, fc.uint8Array())), async (fields) => {
    const form = new FormData();
    for (const [name, bytes] of fields) form.append(name, new File([bytes.slice()], "f", { type: "a/b" }));
    const parts = splitMultipart(...await written(form));
    assert.deepEqual(
      parts.map(({ name, type, bytes }) => [name, type, [...bytes]]),
      fields.map(([name, bytes]) => [name, "a/b", [...bytes]]),
    );
  }));
});

Deno.test("splitMultipart() reads texts, quoted boundaries and what stands before and behind the form", () => {
  const body = 'before\r\n--b c\r\ncontent-disposition: form-data; filename="x"; name="a"\r\n\r\n1\r\n2\r\n' +
    "--b c\r\nX: y\r\n\r\nwithout a name\r\n--b c--\r\nbehind";
  const parts = splitMultipart(encoder.encode(body), 'multipart/form-data; boundary="b c"; x=y');
  assert.deepEqual(parts.map(({ name, type, bytes }) => [name, type, decoder.decode(bytes)]), [["a", "", "1\r\n2"]]);
});

Deno.test("splitMultipart() leaves lines alone that only begin as the boundary does", () => {
  const body =
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--bb\r\n--b-\r\n2\r\n--b \r\nX: y\r\n\r\n\r\n--b--';
  const parts = splitMultipart(encoder.encode(body), "multipart/form-data; boundary=b");
  assert.deepEqual(parts.map(({ bytes }) => decoder.decode(bytes)), ["1\r\n--bb\r\n--b-\r\n2"]);
});

Deno.test("splitMultipart() refuses what is no form, and forms of more fields than SDKs send", () => {
  const part = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n';
  const texts = [
    "",
    "--b",
    "--b\r\n",
    part,
    `${part}--c--`,
    "\r\n".repeat(1000),
    part.repeat(MAX_FIELDS + 1) + "--b--",
  ];
  for (const text of texts) {
    assert.throws(() => splitMultipart(encoder.encode(text), "multipart/form-data; boundary=b"), CaptureError);
  }
  assert.throws(() => splitMultipart(encoder.encode(`${part}--b--`), "multipart/form-data"), CaptureError);
  const most = encoder.encode(`${part.repeat(MAX_FIELDS)}--b--`);
  assert.equal(splitMultipart(most, "multipart/form-data; boundary=b").length, MAX_FIELDS);
});
