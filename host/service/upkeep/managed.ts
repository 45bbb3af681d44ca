/**
 * Opens what was made through the API, with the key from the settings.
 * @module
 */

import { join } from "node:path";
import { BackEndError } from "../../back_end_error.ts";
import type { Settings } from "../../config/settings.ts";
import { type ManagedThings, openManagedThings } from "../../managed/managed_things.ts";
import { namesOf } from "../../managed/unreadable.ts";
import { loadSeal, type Seal } from "../../managed/seal.ts";
import type { Store } from "../../store/store.ts";
import type { Notices } from "../notices.ts";

/**
 * On a log that several hosts share, rejects with a BackEndError when something cannot be opened: this host would hold
 * back what the others process. On a log of its own it starts, so that an operator who has lost the key can remove it.
 */
export async function openManaged(
  settings: Settings,
  store: Pick<Store, "things">,
  notices: Pick<Notices, "warn">,
): Promise<{ managed: ManagedThings; seal: Seal }> {
  const old = settings.oldSecretKeys?.split(",").map((key) => key.trim()).filter((key) => key !== "") ?? [];
  const seal = await loadSeal(settings.data, settings.secretKey, old);
  const managed = await openManagedThings({
    things: store.things,
    seal,
    defaults: { timeoutSeconds: settings.taskTimeout, memoryMb: settings.pluginMemoryMb },
    folder: join(settings.data, "uploads"),
    onError: notices.warn,
  });
  if (settings.kafka !== null) refuseUnreadable(managed);
  return { managed, seal };
}

function refuseUnreadable(managed: ManagedThings): void {
  const unreadable = [...managed.current().unreadable.values()];
  if (unreadable.length === 0) return;
  throw new BackEndError(
    `Cannot start with this HOGPEN_SECRET_KEY: ${
      unreadable.map(namesOf).join(", ")
    } cannot be opened, and no event may ` +
      `pass without them (${unreadable[0]?.reason}). All hosts on one Kafka need the same key; while it is being ` +
      "replaced, each needs the other one in HOGPEN_OLD_SECRET_KEYS",
  );
}
