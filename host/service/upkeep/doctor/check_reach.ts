/**
 * Checks whether everything that the configuration and the settings name can be reached from here.
 * @module
 */

import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import type { HogpenConfig } from "../../../config/config.ts";
import type { Settings } from "../../../config/settings.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const PATIENCE_MS = 5_000;
const PORTS: Record<string, number> = { "http:": 80, "https:": 443, "redis:": 6379, "rediss:": 6379 };

/** Only the host and port of an address are shown, because the rest may contain a password. */
export async function checkReach(settings: Settings, config: HogpenConfig): Promise<Finding[]> {
  const wanted = new Map<string, string>();
  const want = (what: string, address: string) => wanted.set(hostOf(address), what);
  for (const { id, upstream, destinations } of config.projects) {
    if (upstream !== undefined) want(`upstream of project ${id}`, upstream.host);
    for (const { id: name, type, options, enabled } of destinations) {
      const address = options.host ?? options.url;
      if (enabled && type !== "ndjson" && typeof address === "string" && URL.canParse(address)) {
        want(`destination ${id}/${name}`, address);
      }
    }
  }
  if (settings.databaseUrl !== null) want("Postgres (DATABASE_URL)", settings.databaseUrl);
  if (settings.redisUrl !== null) want("Redis (REDIS_URL)", settings.redisUrl);
  if (settings.posthogHost !== null) want("PostHog for posthog.api (POSTHOG_HOST)", settings.posthogHost);
  for (const broker of settings.kafka?.split(",") ?? []) wanted.set(broker.trim(), "Kafka (HOGPEN_KAFKA)");
  return await Promise.all(Array.from(wanted, ([address, what]) => checkAddress(what, address)));
}

/** Whether a service answers at the address that the settings give. */
export async function checkService({ port, host, pathPrefix, tlsCert }: Settings): Promise<Finding> {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const scheme = tlsCert === null ? "http" : "https";
  const url = `${scheme}://${name.includes(":") ? `[${name}]` : name}:${port}${pathPrefix}`;
  try {
    const answer = await get(`${url}/_ready`);
    const { status, detail } = JSON.parse(answer.body) as { status?: string; detail?: string };
    if (answer.status === 200 && status === "ok") return ok(`service at ${url}: ready`);
    return wrong(`service at ${url}: ${detail ?? `answers /_ready with ${answer.status}`}`);
  } catch {
    return note(`service at ${url}: none answers`);
  }
}

/** Takes any certificate: the service's is for a public name, not for this machine, and nothing secret is sent. */
async function get(url: string): Promise<{ status: number | undefined; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { signal: AbortSignal.timeout(PATIENCE_MS), rejectUnauthorized: false };
  (url.startsWith("https:") ? https : http).get(url, options, resolve).on("error", reject);
  const answer = await promise;
  return { status: answer.statusCode, body: await text(answer) };
}

function hostOf(address: string): string {
  const url = new URL(address);
  return `${url.hostname}:${url.port || (PORTS[url.protocol] ?? 5432)}`;
}

async function checkAddress(what: string, address: string): Promise<Finding> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const over = AbortSignal.timeout(PATIENCE_MS);
  try {
    using _connection = await Deno.connect({ hostname, port: Number(port), signal: over });
    return ok(`${what}: ${address} can be reached`);
  } catch (error) {
    const words = over.aborted ? `no answer within ${PATIENCE_MS / 1000} s` : (error as Error).message;
    return wrong(`${what}: ${address} cannot be reached: ${words}`);
  }
}
