/**
 * This room is on the public port, between SDKs and a project's PostHog. It knows nothing of plugins.
 *
 * Passes on to a project's PostHog whatever is not capture: flags, remote configuration, scripts, surveys, the toolbar's calls, and
 * what comes later. Nothing is changed on the way but what a proxy must change, and the token where it is another one there.
 * @module
 */

import type { ConnectionInfo } from "../capture/capture.ts";
import { addCorsHeaders } from "../capture/cors.ts";
import { forward, UpstreamError, withoutHopByHop } from "./forward.ts";
import { type Kept, MOST_KEPT_BYTES, type StaleCache } from "./stale_cache.ts";
import { MOST_BYTES, swapInBody } from "./swap_token.ts";
import type { Upstream } from "../config/upstream.ts";

/** A project that has an upstream. */
export interface Fronted {
  token: string;
  upstream: Upstream;
}

export interface ProxyOptions {
  /** Live: read anew for each request. */
  projects: () => readonly Fronted[];
  cache: StaleCache;
  /** The client's address as far as it can be trusted, "" when it is not known. */
  addressOf(request: Request, connection?: ConnectionInfo): string;
  /** Told of each request: its kind, the answer's status (0 when there was none) and the milliseconds it took. */
  onAnswer?(kind: Kind, status: number, ms: number): void;
  onError(message: string): void;
}

export type Kind = "flags" | "config" | "assets" | "other";

/** SDKs wait for flags before they show a page; the rest may take its time. */
const TIMEOUT_MS: Record<Kind, number> = { flags: 5_000, config: 5_000, assets: 10_000, other: 60_000 };
const MOST_BODY_BYTES = 64 * 1024 * 1024;
/** Of the operator's interface; nothing for PostHog. */
const OUR_COOKIE = /(?:^|;\s*)hogpen_session=[^;]*/g;

export type Proxy = (request: Request, connection?: ConnectionInfo) => Promise<Response | null>;

/** Answers null when no project has an upstream. */
export function createProxy(options: ProxyOptions): Proxy {
  return async (request, connection) => {
    const projects = options.projects();
    if (projects.length === 0) return null;
    const url = new URL(request.url);
    const kind = kindOf(url.pathname);
    const started = performance.now();
    try {
      const sent = await readIfNeeded(request, projects);
      if (sent === null) return tooLarge();
      const project = chooseProject(projects, url, sent.text);
      const answer = await pass(request, url, kind, project, sent.body, options.addressOf(request, connection));
      options.onAnswer?.(kind, answer.status, performance.now() - started);
      return answer;
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      options.onAnswer?.(kind, 0, performance.now() - started);
      options.onError(error.message);
      return await withoutUpstream(request, url, kind, error);
    }
  };

  async function pass(
    request: Request,
    url: URL,
    kind: Kind,
    { token, upstream }: Fronted,
    body: Sent,
    address: string,
  ): Promise<Response> {
    const key = upstream.apiKey ?? token;
    const target = new URL(
      (kind === "assets" || kind === "config" ? upstream.assetsHost : upstream.host) + swapInPath(url, token, key),
    );
    const headers = headersFor(request, target, address);
    let out = body;
    if (key !== token && out instanceof Uint8Array) {
      const swapped = await swapInBody(out, token, key);
      if (swapped !== out) headers.delete("content-encoding");
      out = swapped;
    }
    if (out instanceof Uint8Array) headers.set("content-length", String(out.byteLength));
    // An answer in which the token must be put back has to be read.
    if (key !== token && kind === "config") headers.set("accept-encoding", "identity");
    const answer = await forward({
      url: target,
      method: request.method,
      headers,
      body: out,
      timeoutMs: TIMEOUT_MS[kind],
      signal: request.signal,
    });
    if (kind !== "assets" && kind !== "config") return answer;
    return await keepGood(request, url, answer, (text) => key === token ? text : text.replaceAll(key, token));
  }

  /** Of a shared answer: keeps it when it is good, gives the kept one when the upstream failed. */
  async function keepGood(
    request: Request,
    url: URL,
    answer: Response,
    swapBack: (text: string) => string,
  ): Promise<Response> {
    if (request.method !== "GET") return answer;
    if (answer.status >= 500) {
      const kept = await options.cache.find(keyOf(url));
      if (kept === null) return answer;
      await answer.body?.cancel();
      return served(kept);
    }
    const length = Number(answer.headers.get("content-length") ?? 0);
    if (answer.status !== 200 || length > MOST_KEPT_BYTES) return answer;
    let body = new Uint8Array(await answer.arrayBuffer());
    const headers = new Headers(answer.headers);
    if (!headers.has("content-encoding") && /json|javascript|text/.test(headers.get("content-type") ?? "")) {
      const text = new TextDecoder().decode(body);
      const swapped = swapBack(text);
      if (swapped !== text) body = new TextEncoder().encode(swapped);
    }
    headers.set("content-length", String(body.byteLength));
    if (body.byteLength <= MOST_KEPT_BYTES) await options.cache.keep(keyOf(url), { headers: [...headers], body });
    return new Response(body, { status: 200, headers });
  }

  async function withoutUpstream(request: Request, url: URL, kind: Kind, error: UpstreamError): Promise<Response> {
    const kept = request.method === "GET" && (kind === "assets" || kind === "config")
      ? await options.cache.find(keyOf(url))
      : null;
    if (kept !== null) return served(kept);
    const status = error.kind === "timeout" ? 504 : 502;
    // In the form in which SDKs read PostHog's errors.
    const answer = Response.json(
      {
        type: "server_error",
        code: "upstream_unavailable",
        detail: "PostHog cannot be reached at the moment.",
        attr: null,
      },
      { status, headers: { "retry-after": "5" } },
    );
    addCorsHeaders(answer.headers, request);
    return answer;
  }
}

/** What kind of path it is: which host it is for, and how long it may take. */
export function kindOf(path: string): Kind {
  if (/^\/(flags|decide)\/?$/.test(path)) return "flags";
  if (/^\/array\//.test(path)) return "config";
  if (/^\/static\//.test(path)) return "assets";
  return "other";
}

type Sent = ReadableStream<Uint8Array> | Uint8Array | null;

/** The body as it is; read when it decides which project it is for or holds a token to replace. Null: it is too large. */
async function readIfNeeded(
  request: Request,
  projects: readonly Fronted[],
): Promise<{ body: Sent; text: string } | null> {
  const length = Number(request.headers.get("content-length") ?? 0);
  if (length > MOST_BODY_BYTES) return null;
  if (request.body === null) return { body: null, text: "" };
  const matters = projects.length > 1 || projects.some(({ token, upstream }) => (upstream.apiKey ?? token) !== token);
  if (!matters || length > MOST_BYTES) return { body: request.body, text: "" };
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.byteLength > MOST_BODY_BYTES) return null;
  return { body, text: new TextDecoder().decode(await unpackedForLooking(body)) };
}

async function unpackedForLooking(body: Uint8Array): Promise<Uint8Array> {
  const { decompress, isGzip } = await import("../capture/body/decompress.ts");
  return isGzip(body) ? await decompress(body, "gzip", MOST_BYTES).catch(() => body) : body;
}

/** The project whose token the request carries; else the first one. */
function chooseProject(projects: readonly Fronted[], url: URL, text: string): Fronted {
  const found = projects.find(({ token }) => url.href.includes(token)) ??
    projects.find(({ token }) => text.includes(token));
  return found ?? projects[0] as Fronted;
}

function swapInPath({ pathname, search }: URL, token: string, key: string): string {
  const path = pathname + search;
  return token === key ? path : path.replaceAll(token, key);
}

function headersFor(request: Request, target: URL, address: string): Headers {
  const url = new URL(request.url);
  const headers = withoutHopByHop(request.headers);
  headers.set("host", target.host);
  const before = headers.get("x-forwarded-for");
  if (address !== "") {
    headers.set("x-forwarded-for", before === null || before === address ? address : `${before}, ${address}`);
  }
  if (!headers.has("x-forwarded-proto")) headers.set("x-forwarded-proto", url.protocol.slice(0, -1));
  if (!headers.has("x-forwarded-host")) headers.set("x-forwarded-host", url.host);
  const cookies = headers.get("cookie")?.replaceAll(OUR_COOKIE, "").replace(/^;\s*/, "");
  if (cookies === "") headers.delete("cookie");
  else if (cookies !== undefined) headers.set("cookie", cookies);
  return headers;
}

function keyOf(url: URL): string {
  return url.pathname + url.search;
}

function served({ headers, body }: Kept): Response {
  return new Response(new Uint8Array(body), {
    status: 200,
    headers: [...headers, ["warning", '110 - "Response is Stale"']],
  });
}

function tooLarge(): Response {
  return Response.json({
    type: "validation_error",
    code: "too_large",
    detail: "The request is larger than 64 MB.",
    attr: null,
  }, {
    status: 413,
  });
}
