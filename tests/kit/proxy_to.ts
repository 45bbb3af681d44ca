/**
 * A proxy of host/upstream in this process, and a real HTTP server that stands for PostHog.
 * @module
 */

import assert from "node:assert/strict";
import { type ConnectionInfo, createArrivals } from "../../host/capture/arrival.ts";
import { toUpstream } from "../../host/config/upstream.ts";
import { createOutages } from "../../host/upstream/outages.ts";
import { createProxy } from "../../host/upstream/proxy.ts";
import { createStaleCache } from "../../host/upstream/stale_cache.ts";
import { temporaryFolder } from "./temporary_folder.ts";

/** A request as it arrived. */
export interface Seen {
  method: string;
  path: string;
  headers: Headers;
  body: Uint8Array;
}

/** Answers each request with what this function returns, and remembers all of them. */
export function standIn(answer: (seen: Seen) => Response | Promise<Response>) {
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

/**
 * A proxy for the project `phc_here`, whose key at this PostHog is `apiKey` if it is another. Tokens that begin with
 * `hog_` are the operator's, and the proxy 10.0.0.1 is trusted.
 */
export async function proxyTo(host: string, apiKey?: string) {
  const outages = createOutages(Date.now);
  const folder = await temporaryFolder();
  const upstream = toUpstream({ type: "posthog", host, ...(apiKey && { api_key: apiKey }) });
  const proxy = createProxy({
    projects: () => [{ token: "phc_here", upstream }],
    cache: createStaleCache(folder.file("cache")),
    arrivalOf: createArrivals({
      trustProxy: (address) => address === "10.0.0.1",
      clientIpHeader: null,
      pathPrefix: "/ingest",
    }).arrivalOf,
    isOurToken: (token) => token.startsWith("hog_"),
    onError: () => {},
    outages,
  });
  const handle = async (request: Request, connection: ConnectionInfo) => {
    const answer = await proxy(request, connection);
    assert.ok(answer);
    return answer;
  };
  const ask = (path: string, init?: RequestInit, remote = "1.2.3.4") => {
    const remoteAddr: Deno.Addr = { transport: "tcp", hostname: remote, port: 1 };
    return handle(new Request(`http://hogpen.example${path}`, init), { remoteAddr });
  };
  return { ask, handle, outages, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
