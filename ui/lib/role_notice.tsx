/// <reference lib="dom" />
/**
 * Says on every page which part of the work this host leaves to others, so that nobody takes what is not shown for what
 * there is not.
 * @module
 */

import { useData } from "./use_data.ts";

interface Running {
  settings: { env: string; value: unknown }[];
}

const NOTICES = new Map([
  ["intake", "runs no plugins and delivers nothing. A host of the role all or consume shows what they do."],
  ["route", "delivers nothing and runs no jobs. A host of the role all or consume shows deliveries."],
  ["consume", "passes no events through processEvent. A host of the role all or route does."],
]);

/** The host's role by the settings in force; null until they are known. */
export function useHostRole(): string | null {
  const { data } = useData<Running>("settings");
  return data ? String(data.settings.find(({ env }) => env === "HOGPEN_ROLE")?.value ?? "all") : null;
}

export function RoleNotice() {
  const role = useHostRole();
  const notice = NOTICES.get(role ?? "");
  return notice === undefined
    ? null
    : <p role="note" class="soft notice">This host has the role {role}: it {notice}</p>;
}
