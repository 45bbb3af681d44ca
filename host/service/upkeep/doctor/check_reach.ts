/**
 * Checks whether everything that the configuration and the settings name can be reached from here.
 * @module
 */

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
export async function checkService({ port, host, pathPrefix }: Settings): Promise<Finding> {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const url = `http://${name.includes(":") ? `[${name}]` : name}:${port}${pathPrefix}`;
  try {
    const answer = await fetch(`${url}/_ready`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const { status, detail } = await answer.json() as { status?: string; detail?: string };
    if (answer.ok && status === "ok") return ok(`service at ${url}: ready`);
    return wrong(`service at ${url}: ${detail ?? `answers /_ready with ${answer.status}`}`);
  } catch {
    return note(`service at ${url}: none answers`);
  }
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
