/**
 * Requests through the proxy against a real HTTP server that stands for PostHog: what arrives there, and what comes
 * back.
 */

import assert from "node:assert/strict";
import zlib from "node:zlib";
import { createOutages } from "../../../host/upstream/outages.ts";
import { createProxy } from "../../../host/upstream/proxy.ts";
import { kindOf } from "../../../host/upstream/path_kind.ts";
import { createArrivals } from "../../../host/capture/arrival.ts";
import { createStaleCache } from "../../../host/upstream/stale_cache.ts";
import { toUpstream } from "../../../host/config/upstream.ts";
import { proxyTo, standIn } from "../../kit/proxy_to.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const sanitize = { sanitizeOps: false, sanitizeResources: false };

Deno.test("a request passes as it is, and so does its answer", sanitize, async () => {
  const packed = new Uint8Array(zlib.gzipSync('{"a":1}'));
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
  assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), packed);
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

Deno.test("a path of the upstream's host stands before the request's", sanitize, async () => {
  await using posthog = standIn(() => new Response());
  await using proxy = await proxyTo(`${posthog.host}/posthog/`);
  await (await proxy.ask("/flags/?v=2")).body?.cancel();
  assert.equal(posthog.seen[0]?.path, "/posthog/flags/?v=2");
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
      new Response(path.startsWith("/array") ? 'window.x = {"token":"phc_there"}' : '{"token":"phc_there"}', {
        headers: { "content-type": "application/javascript" },
      })
    );
    await using proxy = await proxyTo(posthog.host, "phc_there");
    const config = await proxy.ask("/array/phc_here/config.js");
    assert.equal(await config.text(), 'window.x = {"token":"phc_here"}');
    const flags = JSON.stringify({ token: "phc_here", distinct_id: "d" });
    const form = `data=${encodeURIComponent(btoa(flags))}`;
    for (const body of [flags, new Uint8Array(zlib.gzipSync(flags)), form]) {
      assert.deepEqual(await (await proxy.ask("/flags?v=2", { method: "POST", body })).json(), { token: "phc_here" });
    }
    const [path, ...sent] = posthog.seen;
    assert.equal(path?.path, "/array/phc_there/config.js");
    const texts = sent.map(({ body }, index) => new TextDecoder().decode(index === 1 ? zlib.gunzipSync(body) : body));
    assert.deepEqual(texts.slice(0, 2), Array(2).fill(flags.replace("phc_here", "phc_there")));
    assert.equal(atob(decodeURIComponent(texts[2]?.slice(5) ?? "")), flags.replace("phc_here", "phc_there"));

    for (const authorization of ["Bearer phc_here", "Bearer phx_personal"]) {
      await (await proxy.ask("/i/v1/traces", { method: "POST", body: "{}", headers: { authorization } })).text();
    }
    assert.deepEqual(posthog.seen.slice(-2).map(({ headers }) => headers.get("authorization")), [
      "Bearer phc_there",
      "Bearer phx_personal",
    ]);
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
  const preflight = await proxy.ask("/flags?v=2", { method: "OPTIONS", headers: { origin: "https://page.example" } });
  assert.equal(preflight.status, 204);
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

Deno.test("nothing of the operator's is sent on, whatever it is wrapped in", sanitize, async () => {
  await using posthog = standIn(() => new Response());
  await using proxy = await proxyTo(posthog.host);
  const cookies = [
    ["hogpen_session=abc", null],
    ["a=1; hogpen_session=abc", "a=1"],
    ["a=1, hogpen_session=abc; b=2", "a=1; b=2"],
    ["a=1;HOGPEN_SESSION = abc;b=2", "a=1;b=2"],
    ["not_hogpen_session=1", "not_hogpen_session=1"],
  ] as const;
  for (const [cookie] of cookies) await (await proxy.ask("/api/x", { headers: { cookie } })).body?.cancel();
  assert.deepEqual(posthog.seen.map(({ headers }) => headers.get("cookie")), cookies.map(([, kept]) => kept));
  posthog.seen.length = 0;
  for (const authorization of ["Bearer hog_admin", "bearer  hog_admin", "Bearer phx_personal"]) {
    await (await proxy.ask("/api/x", { headers: { authorization } })).body?.cancel();
  }
  assert.deepEqual(posthog.seen.map(({ headers }) => headers.get("authorization")), [
    null,
    null,
    "Bearer phx_personal",
  ]);
  posthog.seen.length = 0;
  const ours = [
    ["Basic eHg=", "Bearer hog_admin"],
    ["Bearer phx_personal", "Bearer hog_admin"],
    ["hog_admin"],
    ["Token hog_admin"],
    ["Basic x,Bearer hog_admin=="],
    ['Digest username="x",token="hog_admin"'],
    [`Basic ${btoa("hog_admin:")}`],
    [`Basic ${btoa("me:hog_admin")}`],
  ];
  const theirs = [["Basic eHg=", "Bearer phx_personal"], [`Basic ${btoa("me:secret")}`]];
  for (const values of [...ours, ...theirs]) {
    const headers = values.map((value): [string, string] => ["authorization", value]);
    await (await proxy.ask("/api/x", { headers })).body?.cancel();
  }
  assert.deepEqual(
    posthog.seen.map(({ headers }) => headers.get("authorization")),
    [...ours.map(() => null), ...theirs.map((values) => values.join(", "))],
  );
});

Deno.test("a client cannot say who it is; a trusted proxy can", sanitize, async () => {
  await using posthog = standIn(() => new Response());
  await using proxy = await proxyTo(posthog.host);
  const headers = {
    "x-forwarded-for": "9.9.9.9",
    "x-forwarded-host": "shop.example",
    "x-forwarded-proto": "https",
    "x-forwarded-prefix": "/other",
    "x-real-ip": "8.8.8.8",
    "forwarded": "for=7.7.7.7",
  };
  const forwarded = async (remote: string) => {
    await (await proxy.ask("/ingest/flags/?v=2", { headers }, remote)).body?.cancel();
    const seen = posthog.seen.pop();
    const names = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "x-real-ip"];
    return [seen?.path, ...names.map((name) => seen?.headers.get(name))];
  };
  assert.deepEqual(
    await forwarded("1.2.3.4"),
    ["/flags/?v=2", "1.2.3.4", "hogpen.example", "http", "/ingest", null],
  );
  assert.deepEqual(await forwarded("10.0.0.1"), ["/flags/?v=2", "9.9.9.9", "shop.example", "https", "/ingest", null]);
});

Deno.test("a redirect within PostHog leads below the prefix", sanitize, async () => {
  await using posthog = standIn(({ path }) =>
    new Response(null, { status: 302, headers: { location: path === "/a" ? "/there" : "https://elsewhere.example/" } })
  );
  await using proxy = await proxyTo(posthog.host);
  const location = async (path: string) => (await proxy.ask(path)).headers.get("location");
  assert.deepEqual([await location("/ingest/a"), await location("/a"), await location("/ingest/b")], [
    "/ingest/there",
    "/there",
    "https://elsewhere.example/",
  ]);
});

Deno.test(
  "what is kept is for everybody: no cookies, no private answers, and in a packing that the client takes",
  sanitize,
  async () => {
    const packed = new Uint8Array(zlib.gzipSync("packed"));
    await using posthog = standIn(({ path, headers }) => {
      if (path.includes("private")) return new Response("mine", { headers: { "cache-control": "private" } });
      const isPacked = headers.get("accept-encoding") === "gzip";
      return new Response(isPacked ? packed : "plain", {
        headers: { "set-cookie": "who=me", ...(isPacked && { "content-encoding": "gzip" }) },
      });
    });
    await using proxy = await proxyTo(posthog.host);
    const ask = (path: string, encoding: string) => proxy.ask(path, { headers: { "accept-encoding": encoding } });
    for (const path of ["/static/a.js?_=1", "/static/private.js"]) await (await ask(path, "gzip")).bytes();
    await posthog[Symbol.asyncDispose]();
    const kept = await ask("/static/a.js?_=2", "gzip, br");
    assert.deepEqual([kept.status, kept.headers.has("set-cookie")], [200, false]);
    assert.deepEqual(await kept.bytes(), packed);
    assert.equal((await ask("/static/a.js", "identity")).status, 502);
    assert.equal((await ask("/static/private.js", "gzip")).status, 502);
  },
);

Deno.test(
  "with several projects the token says whose upstream is asked: in path, query, header, JSON, form or packed",
  sanitize,
  async () => {
    await using one = standIn(() => new Response("one"));
    await using two = standIn(() => new Response("two"));
    await using folder = await temporaryFolder();
    const proxy = createProxy({
      projects: () =>
        [["phc_a", one.host], ["phc_ab", two.host]].map(([token = "", host = ""]) => ({
          token,
          upstream: toUpstream({ type: "posthog", host }),
        })),
      cache: createStaleCache(folder.file("cache")),
      arrivalOf: createArrivals({ trustProxy: () => true, clientIpHeader: null, pathPrefix: "" }).arrivalOf,
      isOurToken: () => false,
      onError: () => {},
      outages: createOutages(Date.now),
    });
    const ask = async (path: string, body?: BodyInit, headers: HeadersInit = {}) => {
      const answer = await proxy(
        new Request(
          `http://hogpen.example${path}`,
          body === undefined ? { headers } : { method: "POST", body, headers },
        ),
      );
      return await answer?.text();
    };
    const json = JSON.stringify({ distinct_id: "phc_a", token: "phc_ab" });
    const asked: [path: string, body?: BodyInit][] = [
      ["/array/phc_ab/config"],
      ["/api/surveys/?token=phc_ab"],
      ["/flags/?v=2", json],
      ["/flags/?v=2", new Uint8Array(zlib.gzipSync(json))],
      ["/decide/?v=3", `data=${encodeURIComponent(btoa(json))}`],
      ["/api/x", "api_key=phc_ab&x=phc_a"],
    ];
    for (const [path, body] of asked) assert.equal(await ask(path, body), "two", path);
    assert.equal(await ask("/i/v0/ai/otel", "spans", { authorization: "Bearer phc_ab" }), "two");
    for (const path of ["/api/surveys/?token=phc_a", "/static/array.js", "/api/surveys/?token=phc_abc"]) {
      assert.equal(await ask(path), "one", path);
    }
  },
);

Deno.test(
  "an outage begins with the first request that fails, and is over with the first that does not",
  sanitize,
  async () => {
    let status = 502;
    const posthog = standIn(() => new Response("", { status }));
    await using folder = await temporaryFolder();
    let now = 1_000;
    const outages = createOutages(() => now);
    const proxy = createProxy({
      projects: () => [{ token: "phc_a", upstream: toUpstream({ type: "posthog", host: posthog.host }) }],
      cache: createStaleCache(folder.file("cache")),
      arrivalOf: createArrivals({ trustProxy: () => true, clientIpHeader: null, pathPrefix: "" }).arrivalOf,
      isOurToken: () => false,
      onError: () => {},
      outages,
    });
    const ask = async () => await (await proxy(new Request("http://hogpen.example/api/x")))?.body?.cancel();
    await ask();
    now = 2_000;
    await ask();
    assert.deepEqual(outages.list(), [{ host: posthog.host, since: 1_000, failed: 2, message: "it answered 502" }]);
    status = 404;
    await ask();
    assert.deepEqual(outages.list(), []);
    await posthog[Symbol.asyncDispose]();
    await ask();
    const [outage] = outages.list();
    assert.deepEqual([outage?.since, outage?.failed], [2_000, 1]);
  },
);
