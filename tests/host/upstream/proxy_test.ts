/**
 * Requests through the proxy against a real HTTP server that stands for PostHog: what arrives there, and what comes back.
 */

import assert from "node:assert/strict";
import zlib from "node:zlib";
import { createProxy, kindOf } from "../../../host/upstream/proxy.ts";
import { createStaleCache } from "../../../host/upstream/stale_cache.ts";
import { toUpstream } from "../../../host/config/upstream.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

interface Seen {
  method: string;
  path: string;
  headers: Headers;
  body: Uint8Array;
}

function standIn(answer: (seen: Seen) => Response | Promise<Response>) {
  const seen: Seen[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const one = {
      method: request.method,
      path: pathname + search,
      headers: request.headers,
      body: new Uint8Array(await request.arrayBuffer()),
    };
    seen.push(one);
    return await answer(one);
  });
  const host = `http://127.0.0.1:${server.addr.port}`;
  return { seen, host, [Symbol.asyncDispose]: () => server.shutdown() };
}

async function proxyTo(host: string, apiKey?: string) {
  const folder = await temporaryFolder();
  const upstream = toUpstream({ type: "posthog", host, ...(apiKey && { api_key: apiKey }) });
  const proxy = createProxy({
    projects: () => [{ token: "phc_here", upstream }],
    cache: createStaleCache(folder.file("cache")),
    addressOf: () => "1.2.3.4",
    onError: () => {},
  });
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await proxy(new Request(`http://hogpen.example${path}`, init));
    assert.ok(answer);
    return answer;
  };
  return { ask, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const sanitize = { sanitizeOps: false, sanitizeResources: false };

Deno.test("a request passes as it is, and so does its answer", sanitize, async () => {
  const packed = zlib.gzipSync('{"a":1}');
  await using posthog = standIn(() =>
    new Response(packed, {
      status: 203,
      headers: { "content-encoding": "gzip", etag: '"x"', "set-cookie": "a=b", "content-type": "application/json" },
    })
  );
  await using proxy = await proxyTo(posthog.host);
  const body = new Uint8Array(3_000_000).map((_, i) => i * 7);
  const answer = await proxy.ask("/api/surveys/?token=phc_here&x=%2F", {
    method: "PUT",
    body,
    headers: { cookie: "hogpen_session=secret; theirs=1", "x-made-up": "y", connection: "x-hop", "x-hop": "1" },
  });
  assert.equal(answer.status, 203);
  assert.equal(answer.headers.get("etag"), '"x"');
  assert.equal(answer.headers.get("content-encoding"), "gzip");
  assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), new Uint8Array(packed));
  const [arrived] = posthog.seen;
  assert.equal(`${arrived?.method} ${arrived?.path}`, "PUT /api/surveys/?token=phc_here&x=%2F");
  assert.deepEqual(arrived?.body, body);
  assert.equal(arrived?.headers.get("host"), new URL(posthog.host).host);
  assert.equal(arrived?.headers.get("x-forwarded-for"), "1.2.3.4");
  assert.equal(arrived?.headers.get("x-forwarded-host"), "hogpen.example");
  assert.equal(arrived?.headers.get("cookie"), "theirs=1");
  assert.equal(arrived?.headers.get("x-made-up"), "y");
  assert.equal(arrived?.headers.has("x-hop"), false);
});

Deno.test("redirects and errors are passed on, not followed", sanitize, async () => {
  await using posthog = standIn(({ path }) =>
    path === "/away"
      ? new Response(null, { status: 302, headers: { location: "/there" } })
      : new Response("no", { status: 418 })
  );
  await using proxy = await proxyTo(posthog.host);
  const away = await proxy.ask("/away");
  assert.deepEqual([away.status, away.headers.get("location")], [302, "/there"]);
  assert.equal((await proxy.ask("/other")).status, 418);
  assert.equal(posthog.seen.length, 2);
});

Deno.test(
  "a token that is another one there is replaced on the way, and back in the configuration",
  sanitize,
  async () => {
    await using posthog = standIn(({ path }) =>
      new Response(path.startsWith("/array") ? 'window.x = {"token":"phc_there"}' : "{}", {
        headers: { "content-type": "application/javascript" },
      })
    );
    await using proxy = await proxyTo(posthog.host, "phc_there");
    const config = await proxy.ask("/array/phc_here/config.js");
    assert.equal(await config.text(), 'window.x = {"token":"phc_here"}');
    const flags = JSON.stringify({ token: "phc_here", distinct_id: "d" });
    const form = `data=${encodeURIComponent(btoa(flags))}`;
    for (const body of [flags, new Uint8Array(zlib.gzipSync(flags)), form]) {
      await (await proxy.ask("/flags?v=2", { method: "POST", body })).body?.cancel();
    }
    const [path, ...sent] = posthog.seen;
    assert.equal(path?.path, "/array/phc_there/config.js");
    const texts = sent.map(({ body }) => new TextDecoder().decode(body));
    assert.deepEqual(texts.slice(0, 2), Array(2).fill(flags.replace("phc_here", "phc_there")));
    assert.equal(atob(decodeURIComponent(texts[2]?.slice(5) ?? "")), flags.replace("phc_here", "phc_there"));
  },
);

Deno.test("with PostHog away the last configuration and scripts are served, and flags never", sanitize, async () => {
  const posthog = standIn(({ path }) => Response.json({ path }));
  await using proxy = await proxyTo(posthog.host);
  for (const path of ["/array/phc_here/config", "/static/recorder.js?v=1", "/flags?v=2"]) {
    await (await proxy.ask(path)).text();
  }
  await posthog[Symbol.asyncDispose]();
  for (const path of ["/array/phc_here/config", "/static/recorder.js?v=1"]) {
    const answer = await proxy.ask(path);
    assert.deepEqual([answer.status, await answer.json()], [200, { path }]);
    assert.match(answer.headers.get("warning") ?? "", /stale/i);
  }
  const flags = await proxy.ask("/flags?v=2", { headers: { origin: "https://page.example" } });
  assert.equal(flags.status, 502);
  assert.equal(flags.headers.get("access-control-allow-origin"), "https://page.example");
  assert.equal((await flags.json()).code, "upstream_unavailable");
});

Deno.test("an upstream that answers 500 does not replace what was good", sanitize, async () => {
  let good = true;
  await using posthog = standIn(() => good ? Response.json({ good }) : new Response("broken", { status: 500 }));
  await using proxy = await proxyTo(posthog.host);
  await (await proxy.ask("/array/phc_here/config")).text();
  good = false;
  assert.deepEqual(await (await proxy.ask("/array/phc_here/config")).json(), { good: true });
  assert.equal((await proxy.ask("/api/surveys/")).status, 500);
});

Deno.test("a body of more than 64 MB is refused", sanitize, async () => {
  await using posthog = standIn(() => new Response());
  await using proxy = await proxyTo(posthog.host);
  const answer = await proxy.ask("/api/x", {
    method: "POST",
    body: "x",
    headers: { "content-length": String(70 * 1024 * 1024) },
  });
  assert.equal(answer.status, 413);
  assert.equal(posthog.seen.length, 0);
});

Deno.test("paths are told apart, and PostHog Cloud's hosts are known", () => {
  assert.deepEqual(["/flags/", "/decide", "/array/x/config.js", "/static/array.js", "/api/surveys/"].map(kindOf), [
    "flags",
    "flags",
    "config",
    "assets",
    "other",
  ]);
  const assets = (host: string) => toUpstream({ type: "posthog", host }).assetsHost;
  assert.equal(assets("https://eu.i.posthog.com/"), "https://eu-assets.i.posthog.com");
  assert.equal(assets("https://us.posthog.com"), "https://us-assets.i.posthog.com");
  assert.equal(assets("https://posthog.example"), "https://posthog.example");
});
