/**
 * What was made through the API, opened with the settings' key.
 * @module
 */

import { join } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { type ManagedThings, openManagedThings } from "../../managed/managed_things.ts";
import { loadSeal } from "../../managed/seal.ts";
import type { Store } from "../../store/store.ts";
import type { Notices } from "../notices.ts";

export async function openManaged(
  settings: Settings,
  store: Pick<Store, "things">,
  notices: Pick<Notices, "warn">,
): Promise<ManagedThings> {
  const old = settings.oldSecretKeys?.split(",").map((key) => key.trim()).filter((key) => key !== "") ?? [];
  return await openManagedThings({
    things: store.things,
    seal: await loadSeal(settings.data, settings.secretKey, old),
    defaults: { timeoutSeconds: settings.taskTimeout, memoryMb: settings.pluginMemoryMb },
    folder: join(settings.data, "uploads"),
    onError: notices.warn,
  });
}
