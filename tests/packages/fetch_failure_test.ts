/**
 * Proves that a plugin's `fetch` fails with the errors of node-fetch. One case waits in real time for `fetch` to give
 * up ahead of the deadline of the plugin's function.
 */

import assert from "node:assert/strict";
import { inPlugin, startServer } from "./fetch_server.ts";

Deno.test("fetch fails as node-fetch does", async (t) => {
  await using server = startServer();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = listener.addr.port;
  listener.close();
  const round = `url + '/redirect?to=' + encodeURIComponent('/redirect?to=/')`;
  const cases: [
    what: string,
    code: string,
    expected: [name: string, message: string | RegExp, type?: string, code?: string],
  ][] = [
    [
      "nobody listens",
      `await fetch('http://127.0.0.1:${closed}/a')`,
      [
        "FetchError",
        `request to http://127.0.0.1:${closed}/a failed, reason: connect ECONNREFUSED 127.0.0.1:${closed}`,
        "system",
        "ECONNREFUSED",
      ],
    ],
    [
      "no such host",
      `await fetch('http://nowhere.invalid/')`,
      [
        "FetchError",
        "request to http://nowhere.invalid/ failed, reason: getaddrinfo ENOTFOUND nowhere.invalid",
        "system",
        "ENOTFOUND",
      ],
    ],
    ["no address", `await fetch('/relative')`, ["TypeError", "Only absolute URLs are supported"]],
    ["another scheme", `await fetch('ftp://a/')`, ["TypeError", "Only HTTP(S) protocols are supported"]],
    ["GET with a body", `await fetch(url, { body: 'x' })`, [
      "TypeError",
      "Request with GET/HEAD method cannot have body",
    ]],
    ["no JSON", `await (await fetch(url + '/text?length=1')).json()`, [
      "FetchError",
      /^invalid json response body at http:.*\/text\?length=1 reason: .*JSON/,
      "invalid-json",
    ]],
    ["read twice", `const r = await fetch(url); await r.text(); await r.text()`, [
      "TypeError",
      `body used already for: ${server.url}/`,
    ]],
    ["too large", `await (await fetch(url + '/text?length=10', { size: 9 })).text()`, [
      "FetchError",
      `content size at ${server.url}/text?length=10 over limit: 9`,
      "max-size",
    ]],
    ["packed wrongly", `await (await fetch(url + '/broken')).text()`, [
      "FetchError",
      /^Invalid response body while trying to fetch/,
      "system",
    ]],
    ["too many redirects", `await fetch(${round}, { follow: 1 })`, [
      "FetchError",
      /^maximum redirect reached at: /,
      "max-redirect",
    ]],
    ["a redirect that is an error", `await fetch(${round}, { redirect: 'error' })`, [
      "FetchError",
      /redirect mode is set to error/,
      "no-redirect",
    ]],
    [
      "a redirect of a stream",
      `await fetch(url + '/redirect?status=307&to=/', { method: 'POST', body: require('stream').PassThrough().end('x') })`,
      ["FetchError", "Cannot follow redirect with body being a readable stream", "unsupported-redirect"],
    ],
    ["no answer in time", `await fetch(url + '/slow', { timeout: 50 })`, [
      "FetchError",
      `network timeout at: ${server.url}/slow`,
      "request-timeout",
    ]],
    ["no body in time", `await (await fetch(url + '/stalled', { timeout: 1000 })).text()`, [
      "FetchError",
      `Response timeout while trying to fetch ${server.url}/stalled (over 1000ms)`,
      "body-timeout",
    ]],
    [
      "aborted before",
      `const c = new AbortController(); c.abort(); await fetch(url, { signal: c.signal })`,
      ["AbortError", "The user aborted a request.", "aborted"],
    ],
    [
      "aborted on the way",
      `const c = new AbortController(); const p = fetch(url + '/slow', { signal: c.signal }); fetch(url).then(() => c.abort()); await p`,
      ["AbortError", "The user aborted a request.", "aborted"],
    ],
    [
      "aborted while it is read",
      `const c = new AbortController(); const r = await fetch(url + '/stalled', { signal: c.signal }); const p = r.text(); c.abort(); await p`,
      ["AbortError", "The user aborted a request.", "aborted"],
    ],
  ];
  for (const [what, code, [name, message, type, errorCode]] of cases) {
    await t.step(what, async () => {
      const got = await inPlugin(
        server.url,
        `try { ${code} } catch (e) { const { FetchError, AbortError } = require('node-fetch')
          return [e.name, e.message, e.type, e.code, e instanceof (e.name === 'FetchError' ? FetchError : e.name === 'AbortError' ? AbortError : TypeError)] }`,
      ) as unknown[];
      assert.equal(got[0], name, String(got));
      if (typeof message === "string") assert.equal(got[1], message);
      else assert.match(String(got[1]), message);
      assert.deepEqual(got.slice(2), [type ?? null, errorCode ?? got[3], true]);
    });
  }

  await t.step("by itself before the deadline of the plugin's function", async () => {
    const got = await inPlugin(
      server.url,
      `return fetch(url + '/slow').catch((e) => e.message)`,
      "",
      1000,
    );
    assert.equal(got, `network timeout at: ${server.url}/slow`);
  });
});
