/**
 * Where failures of a plugin outside processEvent are written down for its author.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import type { LogType } from "../store/store.ts";

/** Neither waits nor throws: what cannot be written must not stop what is being done. */
export interface PluginJournal {
  /** Becomes the plugin config's last error, and an entry (source PLUGIN, type ERROR) in its log. `event` is the event as JSON text. */
  error(pluginConfigId: number, error: ErrorRecord, event?: string): void;
  /** An entry of source SYSTEM. */
  system(pluginConfigId: number, type: LogType, message: string): void;
}
