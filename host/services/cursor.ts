/**
 * The host's side of `meta.utils.cursor`: numbers among the keys of the plugin's storage.
 * @module
 */

import { z } from "zod";
import type { PluginStorage } from "../store/store.ts";
import { checkArguments, text } from "./check_arguments.ts";
import type { PluginIdentity } from "./plugin_identity.ts";
import type { ServiceLimits } from "./limits/service_limits.ts";
import type { PluginServices } from "./services.ts";
import type { StorageAllowance } from "./limits/storage_allowance.ts";

type CursorServices = Pick<PluginServices, "cursor.init" | "cursor.increment">;

export function createCursorServices(
  storage: PluginStorage,
  { pluginConfigId }: PluginIdentity,
  limits: ServiceLimits,
  allowance: StorageAllowance,
): CursorServices {
  const schema = z.tuple([text("the key", limits.storageKeyChars), z.number("expected a number")]);
  /** The longest text of a number, in characters. */
  const numberChars = 24;

  return {
    async "cursor.init"(args) {
      const [key, initial] = checkArguments("cursor.init", schema, args);
      await allowance.use(key.length + numberChars);
      await storage.init(pluginConfigId, key, JSON.stringify(initial));
    },
    async "cursor.increment"(args) {
      const [key, by] = checkArguments("cursor.increment", schema, args);
      await allowance.use(key.length + numberChars);
      return await storage.increment(pluginConfigId, key, by);
    },
  };
}
