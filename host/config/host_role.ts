/**
 * What a host does for the others, besides taking events.
 * @module
 */

export const HOST_ROLES = ["all", "intake", "route", "consume"] as const;
export type HostRole = typeof HOST_ROLES[number];

export interface Duties {
  /** Passes events through processEvent, and so owns partitions of the inbox. */
  routes: boolean;
  /** Delivers events, and so owns partitions of the outbox; runs jobs and schedules. */
  delivers: boolean;
}

export function dutiesOf(role: HostRole): Duties {
  return { routes: role === "all" || role === "route", delivers: role === "all" || role === "consume" };
}
