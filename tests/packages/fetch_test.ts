/**
 * Proves that every import of node-fetch is the global `fetch`, and that it reads answers as node-fetch does without
 * leaking connections.
 */

import assert from "node:assert/strict";
import { inPlugin, startServer } from "./fetch_server.ts";
import { startPackagePlugin } from "./package_plugin.ts";

Deno.test("every way of getting node-fetch gives the global fetch", async () => {
  const got = await inPlugin(
    "",
    `return [
      byDefault === fetch, whole === fetch, required === fetch, ofRequired === fetch, required.default === fetch, typeof fetch,
      (await import('node-fetch')).default === fetch, Response === required.Response, Headers === OfHeaders && required.Headers === Headers,
      Request === required.Request, [301, 302, 303, 307, 308, 304, 200].map(isRedirect), new FetchError('m', 'system').type,
      new AbortError('m') instanceof Error, fetch.name,
    ]`,
    `import byDefault from 'node-fetch'
     import * as whole from 'node-fetch'
     import { Headers as OfHeaders, FetchError, AbortError, isRedirect } from 'node-fetch'
     const required = require('node-fetch')
     const { default: ofRequired } = require('node-fetch')`,
  );
  const redirects = [true, true, true, true, true, false, false];
  const same = [true, true, true, true, true, "function", true, true, true, true];
  assert.deepEqual(got, [...same, redirects, "system", true, "fetch"]);
});

Deno.test("fetch reads an answer as node-fetch does", async (t) => {
  await using server = startServer();
  const cases: [what: string, code: string, expected: unknown][] = [
    [
      "status, headers and raw headers",
      `const r = await fetch(url + '/x'); const raw = r.headers.raw()
       return [r.status, r.statusText, r.ok, r.redirected, r.url, r.headers.get('X-Origin'), raw['set-cookie'], raw['x-origin'], [...r.headers.keys()].includes('date'), r.bodyUsed]`,
      [200, "OK", true, false, `${server.url}/x`, server.url, ["a=1", "b=2"], [server.url], true, false],
    ],
    [
      "buffer()",
      `const b = await (await fetch(url + '/text?length=3')).buffer(); return [Buffer.isBuffer(b), String(b)]`,
      [true, "xxx"],
    ],
    [
      "text(), json(), arrayBuffer() and blob()",
      `const get = (path) => fetch(url + path)
       const blob = await (await get('/latin1')).blob()
       return [await (await get('/text?length=2')).text(), (await (await get('/')).json()).method,
         (await (await get('/text?length=5')).arrayBuffer()).byteLength, blob.size, blob.type]`,
      ["xx", "GET", 5, 1, "text/plain; charset=iso-8859-1"],
    ],
    ["textConverted()", `return (await fetch(url + '/latin1')).textConverted()`, "é"],
    [
      "gzip and deflate",
      `return [await (await fetch(url + '/gzip')).text(), await (await fetch(url + '/deflate')).text()]`,
      ["packed", "deflated"],
    ],
    [
      "a body that is a stream of Node's, piped",
      `const { PassThrough } = require('stream'); const r = await fetch(url + '/text?length=300000')
       const to = r.body.pipe(new PassThrough()); let length = 0
       for await (const chunk of to) { length += chunk.length }
       return [typeof r.body.on, length, r.bodyUsed]`,
      ["function", 300_000, false],
    ],
    [
      "a body in chunks",
      `const r = await fetch(url + '/gzip'); const chunks = []
       for await (const chunk of r.body) chunks.push(chunk); return [Buffer.isBuffer(chunks[0]), String(Buffer.concat(chunks))]`,
      [true, "packed"],
    ],
    [
      "a body by events, and text() after the stream was looked at",
      `const r = await fetch(url + '/text?length=3'); const text = await new Promise((resolve) => { let text = ''; r.body.on('data', (d) => text += d).on('end', () => resolve(text)) })
       const other = await fetch(url + '/text?length=3'); other.body; return [text, await other.text()]`,
      ["xxx", "xxx"],
    ],
    [
      "a clone",
      `const r = await fetch(url + '/text?length=3'); const c = r.clone(); const late = await fetch(url + '/text?length=4'); late.body; const d = late.clone()
       return [await r.text(), await c.text(), c.url === r.url, await d.text(), await late.text()]`,
      ["xxx", "xxx", true, "xxxx", "xxxx"],
    ],
    [
      "no content",
      `const r = await fetch(url + '/status?is=204'); return [r.status, r.ok, await r.text()]`,
      [204, true, ""],
    ],
    ["an answer that is an error", `const r = await fetch(url + '/status?is=503'); return [r.ok, r.statusText]`, [
      false,
      "Service Unavailable",
    ]],
  ];
  for (const [what, code, expected] of cases) {
    await t.step(what, async () => assert.deepEqual(await inPlugin(server.url, code), expected));
  }
});

Deno.test("answers that a plugin does not read keep no connection open", async () => {
  const chunks = () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("x".repeat(20_000)));
        controller.close();
      },
    });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response(chunks()));
  await using plugin = await startPackagePlugin({
    inline: `export async function processEvent(event) {
      const kept = []
      // More than a cell may have open files.
      for (let i = 0; i < 600; i++) kept.push(await fetch('http://127.0.0.1:${server.addr.port}/', { method: 'POST' }))
      event.properties = { sent: kept.length, last: (await kept.at(-1).text()).length }
      return event
    }`,
  }, { egress: ["127.0.0.1"] });
  assert.deepEqual((await plugin.processEvent()).properties, { sent: 600, last: 20_000 });
});
