/**
 * Proves that a plugin's `fetch` sends the same requests and follows the same redirects as node-fetch. A real HTTP
 * server shows what it received.
 */

import assert from "node:assert/strict";
import { inPlugin, type Seen, startServer } from "./fetch_server.ts";

Deno.test("fetch sends bodies as node-fetch does", async (t) => {
  await using server = startServer();
  const type = (seen: Seen) => seen.headers["content-type"];
  const cases: [what: string, options: string, check: (seen: Seen) => void][] = [
    ["text", `{ method: 'post', body: 'ünï' }`, (seen) => {
      assert.deepEqual([seen.method, type(seen), seen.body], ["POST", "text/plain;charset=UTF-8", "ünï"]);
      assert.equal(seen.headers["content-length"], "5");
      assert.equal(seen.headers["user-agent"], "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)");
      assert.equal(seen.headers["accept"], "*/*");
      assert.match(seen.headers["accept-encoding"] ?? "", /gzip/);
    }],
    [
      "JSON with headers of its own",
      `{ method: 'PUT', body: JSON.stringify({ a: 1 }), headers: { 'Content-Type': 'application/json', 'Content-Length': 3, 'User-Agent': 'mine', 'X-None': undefined } }`,
      (seen) => {
        assert.deepEqual([seen.method, type(seen), seen.body], ["PUT", "application/json", '{"a":1}']);
        assert.equal(seen.headers["user-agent"], "mine");
        assert.equal("x-none" in seen.headers, false);
      },
    ],
    ["a Buffer", `{ method: 'POST', body: Buffer.from('bytes') }`, (seen) => {
      assert.deepEqual([type(seen), seen.body], [undefined, "bytes"]);
    }],
    ["an ArrayBuffer", `{ method: 'POST', body: new Uint8Array([97, 98]).buffer }`, (seen) => {
      assert.equal(seen.body, "ab");
    }],
    ["parameters", `{ method: 'POST', body: new URLSearchParams({ a: '1 2' }) }`, (seen) => {
      assert.deepEqual([type(seen), seen.body], ["application/x-www-form-urlencoded;charset=UTF-8", "a=1+2"]);
    }],
    ["a Blob", `{ method: 'POST', body: new Blob(['blob'], { type: 'text/csv' }) }`, (seen) => {
      assert.deepEqual([type(seen), seen.body], ["text/csv", "blob"]);
    }],
    [
      "a stream",
      `{ method: 'POST', body: (() => { const s = new (require('stream').PassThrough)(); s.write('one '); s.end('two'); return s })() }`,
      (seen) => assert.deepEqual([type(seen), seen.body], [undefined, "one two"]),
    ],
    [
      "a form of the package form-data",
      `{ method: 'POST', body: Object.assign(require('stream').PassThrough().end('form'), { getBoundary: () => 'BOUNDARY' }) }`,
      (seen) => assert.deepEqual([type(seen), seen.body], ["multipart/form-data;boundary=BOUNDARY", "form"]),
    ],
    [
      "an old stream, which only pipes",
      `{ method: 'POST', body: { pipe(to) { to.end('piped'); return to }, on() {} } }`,
      (seen) => assert.equal(seen.body, "piped"),
    ],
    [
      "a web form",
      `{ method: 'POST', body: (() => { const f = new FormData(); f.append('a', 'b'); return f })() }`,
      (seen) => {
        assert.match(type(seen) ?? "", /^multipart\/form-data; ?boundary=/);
        assert.match(seen.body, /name="a"\r\n\r\nb\r\n/);
      },
    ],
    ["anything else as text", `{ method: 'POST', body: { toString: () => 'told' } }`, (seen) => {
      assert.deepEqual([type(seen), seen.body], ["text/plain;charset=UTF-8", "told"]);
    }],
    ["headers as pairs", `{ headers: [['x-a', 'b'], ['x-a', 'c']] }`, (seen) => {
      assert.equal(seen.headers["x-a"], "b, c");
    }],
    ["headers as a map and without compression", `{ headers: new Map([['x-a', 1]]), compress: false }`, (seen) => {
      assert.deepEqual([seen.headers["x-a"], seen.headers["accept-encoding"]], ["1", "identity"]);
    }],
  ];
  for (const [what, options, check] of cases) {
    await t.step(what, async () => {
      check(await inPlugin(server.url, `return (await fetch(url, ${options})).json()`) as Seen);
    });
  }

  await t.step("a Request, and a URL with a name and password", async () => {
    const got = await inPlugin(
      server.url,
      `const request = new Request(url, { method: 'POST', body: 'x', headers: { 'x-a': 'b' } })
       const { body, headers } = await (await fetch(request, { headers: { 'x-c': 'd' } })).json()
       const named = await (await fetch(new URL(url.replace('//', '//us%40er:pass@')))).json()
       return [body, headers['x-a'], headers['x-c'], named.headers.authorization]`,
    );
    assert.deepEqual(got, ["x", null, "d", `Basic ${btoa("us@er:pass")}`]);
  });
});

Deno.test("fetch follows redirects as node-fetch does", async (t) => {
  await using server = startServer();
  const localhost = `http://localhost:${server.port}`;
  const to = (path: string, status = 302) => `url + '/redirect?status=${status}&to=${encodeURIComponent(path)}'`;
  const cases: [what: string, code: string, expected: unknown][] = [
    [
      "to an answer that says so",
      `const r = await fetch(${to("/here?a=b")}); return [r.redirected, r.url, r.status]`,
      [true, `${server.url}/here?a=b`, 200],
    ],
    [
      "POST becomes GET by 302 and 303, and stays by 307",
      `const methods = []; for (const u of [${to("/", 302)}, ${to("/", 303)}, ${to("/", 307)}]) {
         const { method, body } = await (await fetch(u, { method: 'POST', body: 'x' })).json(); methods.push(method + body) }
       return methods`,
      ["GET", "GET", "POSTx"],
    ],
    [
      "manual: the redirect with an absolute address",
      `const r = await fetch(${
        to("/there")
      }, { redirect: 'manual' }); return [r.status, r.headers.get('location'), await r.text()]`,
      [302, `${server.url}/there`, "moved"],
    ],
    [
      "secrets stay with their host",
      `const h = { authorization: 'Bearer s', cookie: 'c', 'x-a': 'b' }
       const same = await (await fetch(${to("/")}, { headers: h })).json(); const other = await (await fetch(${
        to(`${localhost}/`)
      }, { headers: h })).json()
       return [same.headers.authorization, other.headers.authorization, other.headers.cookie, other.headers['x-a']]`,
      ["Bearer s", null, null, "b"],
    ],
  ];
  for (const [what, code, expected] of cases) {
    await t.step(what, async () => {
      assert.deepEqual(await inPlugin(server.url, code), expected);
    });
  }
});
