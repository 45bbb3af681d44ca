/**
 * Stands on the public port between SDKs and a project's PostHog, and knows nothing of plugins.
 *
 * Forwards to a project's PostHog whatever is not capture: flags, remote configuration, scripts, surveys, the toolbar's
 * calls, and whatever PostHog adds later. Only two things are changed on the way: what any proxy must change, and the
 * token, if the project has a different key at PostHog.
 * @module
 */

import type { Arrival, ArrivalOf, ConnectionInfo } from "../capture/arrival.ts";
import { CaptureError, malformed } from "../capture/capture_error.ts";
import { addCorsHeaders } from "../capture/cors.ts";
import { refuse } from "../capture/respond.ts";
import type { Upstream } from "../config/upstream.ts";
import { forward, type Forwarded, UpstreamError } from "./forward.ts";
import { RequestBodyError } from "./http/send_request.ts";
import type { Outages } from "./outages.ts";
import { isShared, type Kind, kindOf, TIMEOUT_MS } from "./path_kind.ts";
import { readSent, type Sent, streamSent } from "./read_sent.ts";
import { headersFor } from "./request_headers.ts";
import { createSharedAnswers } from "./shared_answers.ts";
import type { StaleCache } from "./stale_cache.ts";
import { swapInAnswer } from "./swap_in_answer.ts";
import { hasToken, swapToken, tokensIn } from "./tokens.ts";

/** A project that has an upstream. */
export interface Fronted {
  token: string;
  upstream: Upstream;
}

export interface ProxyOptions {
  /** Read anew for each request, so that changes of the configuration apply at once. */
  projects: () => readonly Fronted[];
  cache: StaleCache;
  arrivalOf: ArrivalOf;
  /** Whether a token opens this service's own API. Such a token is never forwarded. */
  isOurToken(token: string): boolean;
  /** Called for each request with its kind, the answer's status (0 if there was none) and how long it took. */
  onAnswer?(kind: Kind, status: number, ms: number): void;
  onError(message: string): void;
  outages: Pick<Outages, "answered" | "failed">;
}

/** Methods that change nothing, so that a request may be repeated. */
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

export type Proxy = (request: Request, connection?: ConnectionInfo) => Promise<Response | null>;

/** CONNECT opens a tunnel and TRACE echoes a request with its cookies. No page or SDK needs either. */
const REFUSED_METHODS = ["CONNECT", "TRACE"];

/** The proxy answers null if no project has an upstream. */
export function createProxy(options: ProxyOptions): Proxy {
  const shared = createSharedAnswers(options.cache);
  const complain = seldom(options.onError);

  return async (request, connection) => {
    const projects = options.projects();
    if (projects.length === 0) return null;
    if (REFUSED_METHODS.includes(request.method)) return new Response(null, { status: 405 });
    const arrival = options.arrivalOf(request, connection);
    const asked: Asked = { request, arrival, kind: kindOf(arrival.path) };
    const started = performance.now();
    try {
      const answer = await pass(asked, projects);
      options.onAnswer?.(asked.kind, answer.status, performance.now() - started);
      return answer;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== null) return withCors(refuse(refusal), request);
      if (!(error instanceof UpstreamError)) throw error;
      options.onAnswer?.(asked.kind, 0, performance.now() - started);
      complain(error.message);
      return unavailable(request, error);
    }
  };

  async function pass(asked: Asked, projects: readonly Fronted[]): Promise<Response> {
    const { request, arrival, kind } = asked;
    const sent = await (matters(projects) ? readSent : streamSent)(request, arrival.headers);
    const { token, upstream } = chooseProject(projects, asked, sent.text);
    const key = upstream.apiKey ?? token;
    const host = isShared(kind) ? upstream.assetsHost : upstream.host;
    // The query of a script may name a version, but PostHog always serves its newest one.
    const place = host + arrival.path;
    try {
      const answer = await ask(asked, host, sent, token, key);
      if (!isShared(kind)) return answer;
      if (answer.status < 500) return await shared.pass(request, place, answer);
      const kept = await shared.find(request, place);
      if (kept === null) return answer;
      await answer.body?.cancel();
      return kept;
    } catch (error) {
      if (!(error instanceof UpstreamError) || !isShared(kind)) throw error;
      const kept = await shared.find(request, place);
      if (kept === null) throw error;
      complain(error.message);
      return kept;
    }
  }

  async function ask(asked: Asked, host: string, sent: Sent, token: string, key: string): Promise<Response> {
    const { request, arrival, kind } = asked;
    const path = arrival.path + arrival.search;
    const swap = (text: string, to = key) => token === key ? text : swapToken(text, token, to);
    let { body, length } = sent;
    if (token !== key && sent.repack !== null && hasToken(sent.text, token)) {
      body = sent.repack(swap(sent.text));
      length = body.byteLength;
    }
    const mustSwap = token !== key && (kind === "config" || kind === "flags");
    const headers = headersFor({
      arrival,
      isOurToken: options.isOurToken,
      swap,
      // The answer must be readable, because the token in it is replaced.
      ...(mustSwap && { acceptEncoding: "identity" }),
    });
    const answer = await watched(host, {
      host,
      path: swap(path, encodeURIComponent(key)),
      method: request.method,
      headers,
      body,
      length,
      timeoutMs: TIMEOUT_MS[kind],
      isRepeatable: kind === "flags" || SAFE_METHODS.includes(request.method),
    });
    return withPrefix(mustSwap ? await swapInAnswer(answer, key, token) : answer, arrival.prefix);
  }

  async function watched(host: string, forwarded: Forwarded): Promise<Response> {
    try {
      const answer = await forward(forwarded);
      if (answer.status < 500) options.outages.answered(host);
      else options.outages.failed(host, `it answered ${answer.status}`);
      return answer;
    } catch (error) {
      if (error instanceof UpstreamError) options.outages.failed(host, error.message);
      throw error;
    }
  }
}

interface Asked {
  request: Request;
  arrival: Arrival;
  kind: Kind;
}

/** Whether the body decides where the request goes, or contains a token that must be replaced. */
function matters(projects: readonly Fronted[]): boolean {
  return projects.length > 1 || projects.some(({ token, upstream }) => (upstream.apiKey ?? token) !== token);
}

/** The project whose token the request carries, otherwise the first project. */
function chooseProject(projects: readonly Fronted[], { arrival }: Asked, text: string): Fronted {
  const [first] = projects as [Fronted];
  if (projects.length === 1) return first;
  const known = new Map(projects.map((project) => [project.token, project]));
  for (const token of tokensIn(arrival, text)) {
    const project = known.get(token);
    if (project !== undefined) return project;
  }
  return first;
}

/**
 * Points a redirect within the upstream's host to the path under which the client reaches that host. Headers of other
 * answers are not looked at: Deno sends an answer faster whose headers nobody asked for.
 */
function withPrefix(answer: Response, prefix: string): Response {
  if (prefix === "") return answer;
  const location = answer.headers.get("location");
  if (location !== null && /^\/(?!\/)/.test(location)) answer.headers.set("location", prefix + location);
  return answer;
}

/** Every request fails while an upstream is away. The operator is told only once in a while. */
const COMPLAIN_EVERY_MS = 10_000;

function seldom(onError: (message: string) => void): (message: string) => void {
  let complainedAt = -Infinity;
  let silent = 0;
  return (message) => {
    const now = performance.now();
    if (now - complainedAt < COMPLAIN_EVERY_MS) return void silent++;
    complainedAt = now;
    onError(silent === 0 ? message : `${message} (and ${silent} requests before it)`);
    silent = 0;
  };
}

/** What the client did wrong, if it did. */
function refusalOf(error: unknown): CaptureError | null {
  if (error instanceof CaptureError) return error;
  if (!(error instanceof RequestBodyError)) return null;
  return error.cause instanceof CaptureError ? error.cause : malformed(error.message);
}

/**
 * Answers with an error in the form that SDKs read from PostHog. A preflight is answered, so that the page may read the
 * error.
 */
function unavailable(request: Request, { kind }: UpstreamError): Response {
  if (request.method === "OPTIONS") return withCors(new Response(null, { status: 204 }), request);
  const body = {
    type: "server_error",
    code: "upstream_unavailable",
    detail: "PostHog cannot be reached at the moment.",
    attr: null,
  };
  const status = kind === "timeout" ? 504 : 502;
  return withCors(Response.json(body, { status, headers: { "retry-after": "5" } }), request);
}

function withCors(answer: Response, request: Request): Response {
  addCorsHeaders(answer.headers, request);
  return answer;
}
