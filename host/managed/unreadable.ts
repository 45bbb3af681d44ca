/**
 * What was made through the API and cannot be opened on this host, which does not have the key that sealed it.
 * @module
 */

import type { UnreadableThings } from "../config/config.ts";
import type { Thing } from "../store/things.ts";
import { KINDS } from "./managed_values.ts";

/** Adds the thing to those of its project, which is stored openly beside what is sealed. */
export function noteUnreadable(all: Map<number, UnreadableThings>, thing: Thing, reason: string): void {
  if (thing.kind !== KINDS.plugin && thing.kind !== KINDS.destination) return;
  const { teamId } = JSON.parse(thing.value) as { teamId: number };
  const noted = all.get(teamId) ?? { plugins: [], destinations: [], reason };
  if (thing.kind === KINDS.plugin) noted.plugins.push(Number(thing.id));
  else noted.destinations.push(thing.id.slice(`${teamId}/`.length));
  all.set(teamId, noted);
}

/** Their names in a message. */
export function namesOf({ plugins, destinations }: UnreadableThings): string {
  return [
    ...plugins.map((id) => `plugin config ${id}`),
    ...destinations.map((id) => `destination ${id}`),
  ].join(", ");
}
