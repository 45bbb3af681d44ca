/**
 * Sends one test event to a destination, without its cursor and filter.
 * @module
 */

import type { DestinationConfig, ProjectConfig } from "../../config/config.ts";
import { createSink } from "../../destinations/create_sink.ts";

const PATIENCE_MS = 15_000;

/** Rejects with the reason if the event was not accepted. */
export async function testDestination(
  project: ProjectConfig,
  destination: DestinationConfig,
  now: number,
): Promise<void> {
  const { sink } = createSink(destination, { project });
  const timestamp = new Date(now).toISOString();
  const event = {
    uuid: crypto.randomUUID(),
    event: "hogpen test",
    distinct_id: "hogpen",
    team_id: project.id,
    timestamp,
    now: timestamp,
    ip: null,
    site_url: "",
    properties: { $lib: "hogpen" },
  };
  try {
    const record = { key: "hogpen", cursor: "", at: now, event: new TextEncoder().encode(JSON.stringify(event)) };
    const [rejection] = await sink.deliver([record], AbortSignal.timeout(PATIENCE_MS));
    if (rejection !== undefined) throw new Error(rejection.reason);
  } finally {
    await sink[Symbol.asyncDispose]();
  }
}
