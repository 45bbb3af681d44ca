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

/** Of what a host does not do, the words for whoever asks it for that; null for what it does. */
export interface Elsewhere {
  plugins: string | null;
  deliveries: string | null;
}

export function elsewhereOf(role: HostRole): Elsewhere {
  const { routes, delivers } = dutiesOf(role);
  const words = (what: string, roles: string) => `This host has the role ${role} and ${what}: ask a host of ${roles}`;
  return {
    plugins: routes || delivers ? null : words("runs no plugins", "the role all, route or consume"),
    deliveries: delivers ? null : words("delivers nothing", "the role all or consume"),
  };
}
