/**
 * The host's side of `posthog.api`. The host process calls only the configured PostHog instance; calls to other hosts,
 * made with the plugin's own keys, go through the guarded fetch of the plugin's sandbox.
 * @module
 */

import { Buffer } from "node:buffer";
import type { ApiRedirection, ApiResponse } from "../../../runtime/protocol.ts";
import { type ApiRequest, buildApiRequest } from "./api_request.ts";
import type { ApiSettings } from "./api_settings.ts";
import type { ServiceLimits } from "../limits/service_limits.ts";
import type { PluginServices } from "../services.ts";

const MAX_REDIRECTS = 5;
const NULL_BODY: readonly number[] = [204, 205, 304];

export function createApiServices(settings: ApiSettings, limits: ServiceLimits): Pick<PluginServices, "posthog.api"> {
  return {
    async "posthog.api"(args) {
      const request = buildApiRequest(args, settings, limits);
      if (goesToHost(request.url, settings)) return await send(request, limits);
      if (request.secret) {
        throw new Error(
          `Cannot call posthog.api: the operator's keys are for ${settings.host ?? "no host"} only; ` +
            "pass projectApiKey and personalApiKey to call another host",
        );
      }
      const { secret: _, ...fetch } = request;
      return { fetch } satisfies ApiRedirection;
    },
  };
}

function goesToHost(url: string, { host }: ApiSettings): boolean {
  return host !== null && URL.canParse(url) && URL.canParse(host) && new URL(url).origin === new URL(host).origin;
}

async function send({ url, method, headers, body }: ApiRequest, limits: ServiceLimits): Promise<ApiResponse> {
  const signal = AbortSignal.timeout(limits.apiTimeoutMs);
  let at = new URL(url);
  for (let redirects = 0;; redirects++) {
    const response = await fetch(at, { method, headers, body: body ?? null, redirect: "manual", signal });
    const next = redirectTarget(response, at);
    if (next === null || method !== "GET" || redirects === MAX_REDIRECTS) {
      return {
        status: response.status,
        statusText: response.statusText,
        url: at.href,
        headers: [...response.headers],
        body: NULL_BODY.includes(response.status) ? "" : await readBody(response, limits.apiResponseBytes),
      };
    }
    await response.body?.cancel();
    at = next;
  }
}

/**
 * Redirects are followed only within the same host: the request carries a key, and the host process must not be led to
 * other addresses.
 */
function redirectTarget(response: Response, from: URL): URL | null {
  const location = response.headers.get("location");
  if (response.status < 300 || response.status > 399 || location === null || !URL.canParse(location, from)) return null;
  const target = new URL(location, from);
  const upgrade = from.protocol === "http:" && target.protocol === "https:" && from.hostname === target.hostname;
  return target.origin === from.origin || upgrade ? target : null;
}

async function readBody(response: Response, max: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > max) throw new RangeError(`Cannot read the answer of posthog.api: it has more than ${max} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("base64");
}
