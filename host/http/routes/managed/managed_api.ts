/**
 * What the routes that change things share: who owns a thing, versions, and making a change true.
 * @module
 */

import type { HogpenConfig } from "../../../config/config.ts";
import type { ChangeContext, ManagedThings, Outcome } from "../../../managed/managed_things.ts";
import type { Actor } from "../../access/access.ts";
import { ApiError, notFound, preconditionFailed } from "../../api_error.ts";

export interface ManagedApi {
  things: ManagedThings;
  /** Makes what is stored true; these plugin configs are started anew in any case. Resolves when it is, or after some seconds. */
  apply(anew?: ReadonlySet<number>): Promise<void>;
  /** What the file says, and where it lies. */
  file(): { path: string; config: HogpenConfig };
}

/** 409 for a plugin config of the file, 404 for one that does not exist; else nothing. */
export function requireManagedPlugin(managed: ManagedApi, id: number): void {
  if (managed.things.current().plugins.has(id)) return;
  const { path, config } = managed.file();
  for (const [p, project] of config.projects.entries()) {
    const index = project.plugins.findIndex((plugin) => plugin.id === id);
    if (index !== -1) throw ownedByFile(`plugin config ${id}`, path, `/projects/${p}/plugins/${index}`);
  }
  throw notFound(`There is no plugin config ${id}`);
}

export function requireManagedProject(managed: ManagedApi, id: number): void {
  if (managed.things.current().projects.has(id)) return;
  const { path, config } = managed.file();
  const index = config.projects.findIndex((project) => project.id === id);
  if (index !== -1) throw ownedByFile(`project ${id}`, path, `/projects/${index}`);
  throw notFound(`There is no project ${id}`);
}

export function requireManagedDestination(managed: ManagedApi, teamId: number, id: string): void {
  if (managed.things.current().destinations.has(`${teamId}/${id}`)) return;
  const { path, config } = managed.file();
  const p = config.projects.findIndex((project) => project.id === teamId);
  const d = config.projects[p]?.destinations.findIndex((destination) => destination.id === id) ?? -1;
  if (d !== -1) throw ownedByFile(`destination ${teamId}/${id}`, path, `/projects/${p}/destinations/${d}`);
  throw notFound(`There is no destination ${teamId}/${id}`);
}

function ownedByFile(what: string, path: string, pointer: string): ApiError {
  const detail = `Cannot change ${what}: it stands in ${path} at ${pointer}, change it there`;
  return new ApiError(409, "invalid_request", "managed_by_file", detail, null, {}, { file: path, pointer });
}

/** What the audit says beside the values. */
export function contextOf(
  actor: Actor,
  action: string,
  ifMatch: number | null,
  before: unknown,
  after: unknown,
): ChangeContext {
  return { actor: actor.name, action, ifVersion: ifMatch, before, after };
}

/** Throws 412 with what the thing is now when it was changed meanwhile. */
export function requireDone(outcome: Outcome, what: string, current: () => unknown): number {
  if (outcome !== null) return outcome.version;
  throw preconditionFailed(`Cannot change ${what}: somebody changed it since it was read`, current());
}
