/**
 * What a host does for the others besides taking in events.
 * @module
 */

export const HOST_ROLES = ["all", "intake", "route", "consume"] as const;
export type HostRole = typeof HOST_ROLES[number];

export interface Duties {
  /** Passes events through processEvent, and therefore owns partitions of the inbox. */
  routes: boolean;
  /** Delivers events, and therefore owns partitions of the outbox; also runs jobs and schedules. */
  delivers: boolean;
}

export function dutiesOf(role: HostRole): Duties {
  return { routes: role === "all" || role === "route", delivers: role === "all" || role === "consume" };
}
