/**
 * A PostHog for tests, as small as SDKs allow, written from their public protocol: flags with payloads, surveys, early
 * access features, session recording, a site app, remote configuration and the scripts of posthog-js.
 * @module
 */

import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";

/** Folders of posthog-js by the version that a page asks for. */
const SCRIPTS = {
  "1.449": import.meta.resolve("posthog-js/dist/array.js"),
  "1.100": import.meta.resolve("posthog-js-1.100"),
  "1.20": import.meta.resolve("posthog-js-1.20"),
};
export type ScriptVersion = keyof typeof SCRIPTS;

export interface SentEvent {
  uuid?: string;
  event: string;
  distinct_id?: string;
  properties: Record<string, unknown>;
}

export interface Asked {
  method: string;
  path: string;
  headers: Headers;
}

export interface PostHogServer extends AsyncDisposable {
  readonly url: string;
  /** Events and recordings by the key that they came with. */
  events(key: string): SentEvent[];
  /** Every request, with what it asked. */
  readonly asked: Asked[];
  /** Which posthog-js it hands out. */
  scripts: ScriptVersion;
  /** Answers in the place of this one, or undefined. */
  instead: (asked: Asked) => Response | Promise<Response> | undefined;
}

/** A page that was closed has sent half of a request. */
const SERVED = { hostname: "127.0.0.1", onListen() {}, onError: () => new Response(null, { status: 400 }) };
const CORS = {
  "access-control-allow-credentials": "true",
  "access-control-allow-methods": "GET, POST, OPTIONS",
  "cache-control": "public, max-age=300",
};

/** Knows projects by these keys; all have the same flags and surveys. */
export function startPostHog(keys: string[], port = 0): PostHogServer {
  const stored = new Map<string, SentEvent[]>(keys.map((key) => [key, []]));
  const asked: Asked[] = [];

  const posthog: PostHogServer = {
    get url() {
      return `http://127.0.0.1:${server.addr.port}`;
    },
    events: (key) => stored.get(key) ?? [],
    asked,
    scripts: "1.449",
    instead: () => undefined,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };

  const server = Deno.serve({ ...SERVED, port }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const one = { method: request.method, path: pathname + search, headers: request.headers };
    asked.push(one);
    const answer = await (posthog.instead(one) ?? respond(request));
    const headers = new Headers(answer.headers);
    for (const [name, value] of Object.entries(CORS)) if (!headers.has(name)) headers.set(name, value);
    headers.set("access-control-allow-origin", request.headers.get("origin") ?? "*");
    headers.set("access-control-allow-headers", request.headers.get("access-control-request-headers") ?? "*");
    return new Response(answer.body, { status: answer.status, headers });
  });

  async function respond(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const path = pathname.replace(/(?<=.)\/$/, "");
    if (request.method === "OPTIONS") return new Response(null, { status: 204 });
    const script = /^\/static\/(?:[\d.]+\/)?([\w.-]+\.js)$/.exec(path)?.[1];
    if (script !== undefined) return await readScript(SCRIPTS[posthog.scripts], script);
    const config = /^\/array\/([^/]+)\/config(\.js)?$/.exec(path);
    if (config !== null) {
      return keys.includes(config[1] ?? "") ? remoteConfig(config[1] ?? "", !config[2]) : unknownKey();
    }
    if (path.startsWith("/site_app/")) return scriptAnswer(SITE_APP);

    const sent = request.method === "POST" ? await readSent(request) : null;
    const key = keyOf(sent) ?? searchParams.get("token") ?? "";
    if (!keys.includes(key)) return unknownKey();
    if (["/e", "/i/v0/e", "/batch", "/s", "/capture"].includes(path)) {
      stored.get(key)?.push(...eventsOf(sent));
      return Response.json({ status: 1 });
    }
    if (path === "/flags") return Response.json({ ...flags(), ...(searchParams.has("config") && configOf(key)) });
    if (path === "/decide") return Response.json({ ...decide(searchParams.get("v") ?? "1"), ...configOf(key) });
    if (path === "/api/surveys") return Response.json({ surveys: [SURVEY] });
    if (path === "/api/early_access_features") return Response.json({ earlyAccessFeatures: [FEATURE] });
    if (path === "/api/web_experiments") return Response.json({ experiments: [] });
    if (path === "/flags/definitions" || path === "/api/feature_flag/local_evaluation") {
      return Response.json(DEFINITIONS);
    }
    if (path === "/api/made_up") return Response.json({ headers: Object.fromEntries(request.headers) });
    return new Response("not found", { status: 404 });
  }
  return posthog;
}

/** What an old version does not bring, such as the recorder, is today's, as it is at PostHog. */
async function readScript(array: string, name: string): Promise<Response> {
  const places = [new URL(name, array), new URL(name, SCRIPTS["1.449"])];
  const bytes = await Deno.readFile(places[0] ?? "").catch(() => Deno.readFile(places[1] ?? "")).catch(() => null);
  return bytes === null ? new Response("no such script", { status: 404 }) : scriptAnswer(bytes);
}

function scriptAnswer(body: BodyInit): Response {
  return new Response(body, { headers: { "content-type": "application/javascript", etag: '"1"' } });
}

function unknownKey(): Response {
  return Response.json({ type: "authentication_error", code: "invalid_api_key", detail: "no such project" }, {
    status: 401,
  });
}

/** JSON, packed or not, or base64 in a form. */
async function readSent(request: Request): Promise<unknown> {
  const bytes = Buffer.from(await request.arrayBuffer());
  const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString();
  const form = /^data=([^&]+)/.exec(text)?.[1];
  return JSON.parse(form === undefined ? text : Buffer.from(decodeURIComponent(form), "base64").toString());
}

type Json = Record<string, unknown> & { properties?: { token?: string } };

function keyOf(sent: unknown): string | undefined {
  const [first] = (Array.isArray(sent) ? sent : [sent]) as (Json | null)[];
  return (first?.api_key ?? first?.token ?? first?.properties?.token) as string | undefined;
}

function eventsOf(sent: unknown): SentEvent[] {
  if (Array.isArray(sent)) return sent;
  const { batch } = sent as { batch?: SentEvent[] };
  return batch ?? [sent as SentEvent];
}

const SITE_APP = `window.siteAppRan = (window.siteAppRan || 0) + 1;`;
const SURVEY = {
  id: "s1",
  name: "How is it?",
  description: "",
  type: "popover",
  questions: [{ type: "open", question: "How is it?", id: "q1" }],
  appearance: {},
  conditions: null,
  start_date: "2026-01-01T00:00:00Z",
  end_date: null,
  feature_flag_keys: [],
  linked_flag_key: null,
  targeting_flag_key: null,
};
const FEATURE = { id: "f1", name: "Soon", description: "", stage: "beta", documentationUrl: "", flagKey: "plain" };
const DEFINITIONS = {
  flags: [{
    id: 1,
    name: "",
    key: "local",
    active: true,
    deleted: false,
    version: 1,
    filters: {
      groups: [{ properties: [], rollout_percentage: 100 }],
      payloads: { true: '{"local":1}' },
      multivariate: null,
    },
  }],
  group_type_mapping: {},
  cohorts: {},
};

function flags() {
  const flag = (key: string, variant: string | null, payload: string | null, id: number) => ({
    key,
    enabled: true,
    variant,
    reason: { code: "condition_match", description: "Matched condition set 1", condition_index: 0 },
    metadata: { id, version: 3, description: null, payload },
  });
  return {
    flags: { "new-page": flag("new-page", "b", '{"a":1}', 1), plain: flag("plain", null, null, 2) },
    errorsWhileComputingFlags: false,
    requestId: "00000000-0000-4000-8000-000000000001",
    evaluatedAt: 1_700_000_000_000,
  };
}

/** As before /flags: version 1 has a list of keys, the later ones values by key. */
function decide(version: string) {
  const featureFlags = { "new-page": "b", plain: true };
  return {
    featureFlags: version === "1" ? Object.keys(featureFlags) : featureFlags,
    featureFlagPayloads: { "new-page": '{"a":1}' },
    errorsWhileComputingFlags: false,
    siteApps: [{ id: 1, url: "/site_app/1/x/y/", type: "site_app" }],
  };
}

function configOf(token: string) {
  return {
    token,
    supportedCompression: ["gzip", "gzip-js"],
    hasFeatureFlags: true,
    autocapture_opt_out: false,
    capturePerformance: false,
    sessionRecording: { endpoint: "/s/", recorderVersion: "v2", consoleLogRecordingEnabled: false },
    surveys: true,
    heatmaps: false,
    toolbarParams: {},
    isAuthenticated: false,
    elementsChainAsString: true,
  };
}

function remoteConfig(token: string, isJson: boolean): Response {
  const config = { ...configOf(token), analytics: { endpoint: "/i/v0/e/" }, defaultIdentifiedOnly: true };
  if (isJson) return Response.json({ ...config, siteApps: [{ id: 1, url: "/site_app/1/x/y/", type: "site_app" }] });
  return scriptAnswer(`(function () {
  window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {};
  window._POSTHOG_REMOTE_CONFIG[${JSON.stringify(token)}] = {
    config: ${JSON.stringify(config)},
    siteApps: [{ id: 1, type: "site_app", init: function (config) { ${SITE_APP} config.callback && config.callback(true); return {}; } }],
  };
})();`);
}
