/**
 * Opens what was made through the API, with the key from the settings.
 * @module
 */

import { join } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { type ManagedThings, openManagedThings } from "../../managed/managed_things.ts";
import { loadSeal, type Seal } from "../../managed/seal.ts";
import type { Store } from "../../store/store.ts";
import type { Notices } from "../notices.ts";

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
  return { managed, seal };
}
