/**
 * A dry run of the running service, and what became of the same event live.
 * @module
 */

import { eventually } from "./eventually.ts";
import type { RunningService } from "./service.ts";

type Event = Record<string, unknown>;

export interface DryStep {
  function: string;
  event: number | null;
  before: Event;
  after: Event | null;
  outcome: string;
  error: { message: string } | null;
  fetches: { method: string; url: string; headers: [string, string][]; body: string | null }[];
}

export interface DryRun {
  plugins: { name: string; error: { message: string } | null; steps: DryStep[] }[];
  events: { after: Event | null }[];
}

export function tryOut(service: RunningService, body: unknown): Promise<DryRun> {
  return service.api<DryRun>("/_hogpen/api/dry_run", "POST", body);
}

/** Without what belongs to one request: when it came, where, and with what token. */
export function ownFields(event: Event | null | undefined): Event | null {
  if (!event) return null;
  const { now: _, site_url: __, api_key: ___, ...rest } = event;
  return rest;
}

/** What became of an event that was captured; null when it was dropped. */
export async function liveOutcome(service: RunningService, project: number, uuid: string): Promise<Event | null> {
  const list = async (kind: string) =>
    (await service.api<{ results: { payload?: Event }[] }>(
      `/_hogpen/api/${kind}?team_id=${project}&uuid=${uuid}&payload=true`,
    )).results;
  const [outcome] = await eventually(`project ${project} has seen the event ${uuid}`, async () => {
    const [[out], [dropped]] = await Promise.all([list("events"), list("dropped_events")]);
    return out ? [ownFields(out.payload)] : dropped ? [null] : null;
  });
  return outcome ?? null;
}
