/**
 * What the routes that change things share: ownership, versions, and applying a change.
 * @module
 */

import type { HogpenConfig, UnreadableThings } from "../../../config/config.ts";
import type { ChangeContext, ManagedThings, Outcome } from "../../../managed/managed_things.ts";
import type { Actor } from "../../access/access.ts";
import { ApiError, notFound, preconditionFailed } from "../../api_error.ts";

export interface ManagedApi {
  things: ManagedThings;
  /**
   * Applies what is stored, and restarts these plugin configs in any case. Resolves when it is applied, or after some
   * seconds.
   */
  apply(anew?: ReadonlySet<number>): Promise<void>;
  /** The configuration file's content and path. */
  file(): { path: string; config: HogpenConfig };
}

/** Throws 409 for a plugin config of the file or one that cannot be opened, and 404 for one that does not exist. */
export function requireManagedPlugin(managed: ManagedApi, id: number): void {
  if (managed.things.current().plugins.has(id)) return;
  requireReadable(`plugin config ${id}`, unreadablePlugin(managed, id));
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
  requireReadable(`destination ${teamId}/${id}`, unreadableDestination(managed, teamId, id));
  const { path, config } = managed.file();
  const p = config.projects.findIndex((project) => project.id === teamId);
  const d = config.projects[p]?.destinations.findIndex((destination) => destination.id === id) ?? -1;
  if (d !== -1) throw ownedByFile(`destination ${teamId}/${id}`, path, `/projects/${p}/destinations/${d}`);
  throw notFound(`There is no destination ${teamId}/${id}`);
}

/** What cannot be opened can be removed all the same. Null when there is no such thing. */
export function unreadablePlugin({ things }: ManagedApi, id: number): UnreadableThings | null {
  return [...things.current().unreadable.values()].find(({ plugins }) => plugins.includes(id)) ?? null;
}

/** As `unreadablePlugin`. */
export function unreadableDestination({ things }: ManagedApi, teamId: number, id: string): UnreadableThings | null {
  const found = things.current().unreadable.get(teamId) ?? null;
  return found?.destinations.includes(id) ? found : null;
}

function requireReadable(what: string, unreadable: UnreadableThings | null): void {
  if (unreadable === null) return;
  const detail = `Cannot change ${what}: ${unreadable.reason}. It can be removed`;
  throw new ApiError(409, "invalid_request", "unreadable", detail, null);
}

function ownedByFile(what: string, path: string, pointer: string): ApiError {
  const detail = `Cannot change ${what}: it stands in ${path} at ${pointer}, change it there`;
  return new ApiError(409, "invalid_request", "managed_by_file", detail, null, {}, { file: path, pointer });
}

/** What the audit records besides the values. */
export function contextOf(
  actor: Actor,
  action: string,
  ifMatch: number | null,
  before: unknown,
  after: unknown,
): ChangeContext {
  return { actor: actor.name, action, ifVersion: ifMatch, before, after };
}

/** Throws 412 with the thing's current value when it was changed in the meantime. */
export function requireDone(outcome: Outcome, what: string, current: () => unknown): number {
  if (outcome !== null) return outcome.version;
  throw preconditionFailed(`Cannot change ${what}: somebody changed it since it was read`, current());
}
