/**
 * The host's side of `meta.storage`: JSON texts by key, kept until their plugin config is removed.
 * @module
 */

import { z } from "zod";
import type { PluginStorage } from "../store/store.ts";
import { checkArguments, text } from "./check_arguments.ts";
import type { PluginIdentity } from "./plugin_identity.ts";
import type { ServiceLimits } from "./limits/service_limits.ts";
import type { PluginServices } from "./services.ts";
import type { StorageAllowance } from "./limits/storage_allowance.ts";

type StorageServices = Pick<PluginServices, "storage.get" | "storage.set" | "storage.del">;

export function createStorageServices(
  storage: PluginStorage,
  { pluginConfigId }: PluginIdentity,
  limits: ServiceLimits,
  allowance: StorageAllowance,
): StorageServices {
  const key = text("the key", limits.storageKeyChars);
  const setSchema = z.tuple([key, text("the value as JSON", limits.storageValueChars)]);
  const keySchema = z.tuple([key]);

  return {
    async "storage.get"(args) {
      const [key] = checkArguments("storage.get", keySchema, args);
      return await storage.get(pluginConfigId, key);
    },
    async "storage.set"(args) {
      const [key, value] = checkArguments("storage.set", setSchema, args);
      requireJson(value);
      await allowance.use(key.length + value.length);
      await storage.set(pluginConfigId, key, value);
    },
    async "storage.del"(args) {
      const [key] = checkArguments("storage.del", keySchema, args);
      await storage.del(pluginConfigId, key);
    },
  };
}

/** The API shows stored values as JSON and cursors read them, so text that is not JSON must not be stored. */
function requireJson(value: string): void {
  try {
    JSON.parse(value);
  } catch (cause) {
    throw new TypeError("Cannot call storage.set: expected the value as JSON", { cause });
  }
}
