/**
 * Describes a change of the configuration in one line for the operator.
 * @module
 */

import type { Changes, ConfigDiff } from "../../config/diff_config.ts";

export function describeChanges({ projects, plugins, destinations, reordered }: ConfigDiff): string {
  const parts = [
    ...list("project", projects, ({ id }) => String(id)),
    ...list("plugin config", plugins, ({ id }) => String(id)),
    ...list("destination", destinations, ({ teamId, destination }) => `${teamId}/${destination.id}`),
    ...reordered.map((id) => `another order of plugins in project ${id}`),
  ];
  return parts.length === 0 ? "nothing that runs has changed" : parts.join(", ");
}

function list<T>(what: string, { added, removed, changed }: Changes<T>, name: (item: T) => string): string[] {
  return [
    ...added.map((item) => `new ${what} ${name(item)}`),
    ...changed.map(({ after }) => `changed ${what} ${name(after)}`),
    ...removed.map((item) => `removed ${what} ${name(item)}`),
  ];
}
