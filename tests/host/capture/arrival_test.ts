/**
 * Proves what is believed of proxies in front: the client's address, the host that it asked, and the prefix of the
 * path.
 */

import assert from "node:assert/strict";
import { type Arrival, createArrivals } from "../../../host/capture/arrival.ts";

const PROXY = "10.0.0.1";
const CLIENT = "203.0.113.9";

function arrival(
  url: string,
  headers: Record<string, string> = {},
  remote = PROXY,
  pathPrefix = "",
): Omit<Arrival, "headers"> {
  const { pathOf, arrivalOf } = createArrivals({
    trustProxy: (address) => address === PROXY,
    clientIpHeader: "cf-connecting-ip",
    pathPrefix,
  });
  const request = new Request(url, { headers });
  const connection = { remoteAddr: { transport: "tcp", hostname: remote, port: 1 } } as const;
  const { headers: _, ...rest } = arrivalOf(request, connection);
  assert.equal(pathOf(request, connection), rest.path);
  return rest;
}

const SAID = {
  "x-forwarded-for": "198.51.100.7",
  "x-forwarded-proto": "https, http",
  "x-forwarded-host": "events.example:8443",
  "x-forwarded-prefix": "/ingest/",
};

Deno.test("a trusted proxy says who the client is and what it asked", () => {
  assert.deepEqual(arrival("http://10.0.0.2:8000/e/?beacon=1", SAID), {
    address: "198.51.100.7",
    origin: "https://events.example:8443",
    prefix: "/ingest",
    path: "/e/",
    search: "?beacon=1",
  });
  const { origin } = arrival("http://10.0.0.2:8000/e/", { forwarded: 'for=1.2.3.4;proto=https;host="a.example"' });
  assert.equal(origin, "https://a.example");
});

Deno.test("the parts of Forwarded may have blanks between them", () => {
  const forwarded = 'proto=https; host="a.example"; for="[2001:db8::9]:443", by=10.0.0.1; for=10.0.0.2';
  const { origin, address } = arrival("http://10.0.0.2:8000/e/", { forwarded });
  assert.deepEqual([origin, address], ["https://a.example", "10.0.0.2"]);
});

Deno.test("anybody else is not believed", () => {
  assert.deepEqual(arrival("http://10.0.0.2:8000/e/", SAID, CLIENT), {
    address: CLIENT,
    origin: "http://10.0.0.2:8000",
    prefix: "",
    path: "/e/",
    search: "",
  });
});

Deno.test("what is no scheme, host or prefix counts for nothing", () => {
  for (const host of ["a b", "a/b", "user@a.example", "a.example\\@b", "a:99999", "<x>", "a.example?x"]) {
    assert.equal(arrival("http://here/e", { "x-forwarded-host": host }).origin, "http://here", host);
  }
  assert.equal(arrival("http://here/e", { "x-forwarded-proto": "javascript" }).origin, "http://here");
  for (const prefix of ["ingest", "/", "//evil.example", "/a b", "/..", '/"><script>']) {
    assert.equal(arrival("http://here/e", { "x-forwarded-prefix": prefix }).prefix, "", prefix);
  }
});

Deno.test("a prefix is taken off where it stands in the path, by setting or header", () => {
  const at = (path: string, headers: Record<string, string> = {}) => {
    const { prefix, path: ours } = arrival(`http://here${path}`, headers, PROXY, "/ingest");
    return [prefix, ours];
  };
  assert.deepEqual(at("/ingest/flags/?v=2"), ["/ingest", "/flags/"]);
  assert.deepEqual(at("/ingest"), ["/ingest", "/"]);
  assert.deepEqual(at("/ingestion/e/"), ["", "/ingestion/e/"]);
  assert.deepEqual(at("/e/"), ["", "/e/"]);
  assert.deepEqual(at("/other/e/", { "x-forwarded-prefix": "/other" }), ["/other", "/e/"]);
});

Deno.test("an address is read as URL reads it", () => {
  for (
    const address of [
      "http://here/e?a=b&c=%20#d",
      "http://HERE:80/e",
      "http://[::1]:8000/",
      "http://here/a/../b/./c?x=../y",
      "http://here/%2e%2e/b",
      "http://here/ü?ü=ü",
      "http://here?a",
    ]
  ) {
    const { origin, path, search } = arrival(address);
    const url = new URL(address);
    assert.deepEqual([origin, path, search], [url.origin, url.pathname, url.search], address);
  }
});

Deno.test("doubled slashes are taken as one", () => {
  assert.equal(arrival("http://here//e//").path, "/e/");
  assert.equal(arrival("http://here//evil.example/flags").path, "/evil.example/flags");
});

Deno.test("the header that the operator named says the address before all others, if a trusted proxy sent it", () => {
  const headers = { "cf-connecting-ip": "198.51.100.9", "x-forwarded-for": "198.51.100.7" };
  assert.equal(arrival("http://here/e", headers).address, "198.51.100.9");
  assert.equal(arrival("http://here/e", headers, CLIENT).address, CLIENT);
  assert.equal(arrival("http://here/e", { ...headers, "cf-connecting-ip": "unknown" }).address, "198.51.100.7");
});
