/**
 * Records a plugin's failures outside processEvent for its author.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import type { LogType } from "../store/store.ts";

/** The methods neither wait nor throw: a failure to record must not stop the work in progress. */
export interface PluginJournal {
  /**
   * Becomes the plugin config's last error and an entry (source PLUGIN, type ERROR) in its log. `event` is the event as
   * JSON text.
   */
  error(pluginConfigId: number, error: ErrorRecord, event?: string): void;
  /** Adds an entry of source SYSTEM to the log. */
  system(pluginConfigId: number, type: LogType, message: string): void;
}
