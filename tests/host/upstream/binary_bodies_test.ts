/**
 * A project whose key at PostHog is another than its token: the token is replaced in texts, and what is not text stays
 * as it is.
 */

import assert from "node:assert/strict";
import zlib from "node:zlib";
import { proxyTo, standIn } from "../../kit/proxy_to.ts";

const setup = { sanitizeOps: false, sanitizeResources: false };
const utf8 = new TextEncoder();

/** A protobuf message whose field 2 is this text, after a number of eight bytes in field 1. */
function protobuf(number: number[], text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x09, ...number, 0x12, text.length, ...utf8.encode(text)]);
}

Deno.test("binary bodies that contain the token arrive as they were sent", setup, async () => {
  await using posthog = standIn(() => new Response("ok"));
  await using proxy = await proxyTo(posthog.host, "phc_longer_key_there");
  const text = "https://shop.example/?token=phc_here";
  const bodies = [
    protobuf([0x80, 0xff, 0xfe, 1, 0, 0, 0, 0], text),
    // These bytes are the UTF-8 of a text, but of none that anybody writes.
    protobuf([1, 2, 3, 4, 5, 6, 7, 8], text),
    new Uint8Array(zlib.gzipSync(protobuf([0x80, 0xff, 0xfe, 1, 0, 0, 0, 0], text))),
    Uint8Array.from([...utf8.encode('{"token":"phc_here","name":"'), 0xe9, ...utf8.encode('"}')]),
    utf8.encode(`data=${encodeURIComponent(btoa('{"token":"phc_here","name":"\xe9"}'))}`),
  ];
  for (const body of bodies) {
    const headers = { "content-type": "application/x-protobuf", authorization: "Bearer phc_here" };
    const answer = await proxy.ask("/i/v1/traces?token=phc_here", { method: "POST", body, headers });
    assert.equal(await answer.text(), "ok");
    const seen = posthog.seen.at(-1);
    assert.deepEqual(seen?.body, body);
    assert.equal(seen?.path, "/i/v1/traces?token=phc_longer_key_there");
    assert.equal(seen?.headers.get("authorization"), "Bearer phc_longer_key_there");
  }
});

Deno.test("the token in a text is replaced, and every other byte of it stays", setup, async () => {
  await using posthog = standIn(() => new Response("ok"));
  await using proxy = await proxyTo(posthog.host, "phc_there");
  for (const text of ['\ufeff{"token":"TOKEN","name":"é 😀"}\r\n', "token=TOKEN&x=%80", '{\n\t"token": "TOKEN"\n}']) {
    await (await proxy.ask("/api/x", { method: "POST", body: utf8.encode(text.replace("TOKEN", "phc_here")) })).text();
    assert.deepEqual(posthog.seen.at(-1)?.body, utf8.encode(text.replace("TOKEN", "phc_there")));
  }
});

Deno.test("a script that is not UTF-8 comes through as it is", setup, async () => {
  const script = Uint8Array.from([...utf8.encode('x = "phc_there '), 0xe9, 0x22]);
  await using posthog = standIn(() =>
    new Response(script, { headers: { "content-type": "text/javascript; charset=iso-8859-1" } })
  );
  await using proxy = await proxyTo(posthog.host, "phc_there");
  assert.deepEqual(await (await proxy.ask("/array/phc_here/config.js")).bytes(), script);
});
