/**
 * Tells a plugin's author that events go past a disabled plugin: once each time it begins, not once per event.
 * @module
 */

import type { StoredRecord } from "../log/event_log.ts";
import type { PluginJournal } from "../loader/plugin_journal.ts";
import type { PluginResult } from "./sinks/plugin_call.ts";
import type { Rejection } from "./sink.ts";

export interface PassedNoticeOptions {
  journal: PluginJournal;
  consumer: string;
  pluginConfigId: number;
}

/** An event of the consumer's batch that was given to the plugin. */
export interface GivenEvent {
  record: StoredRecord;
  /** Index into the consumer's batch. */
  index: number;
}

export interface PassedNotice {
  /** Rejects events that were redelivered and passed the plugin by: they must not count as delivered. */
  see(results: PluginResult[], given: GivenEvent[]): Rejection[];
}

export function createPassedNotice({ journal, consumer, pluginConfigId }: PassedNoticeOptions): PassedNotice {
  let passing = false;
  return {
    see(results, given) {
      const passed = given.filter((_, at) => results[at]?.kind === "passed");
      const redelivered = passed.filter(({ record }) => record.cursor === "");
      const [first] = passed.filter(({ record }) => record.cursor !== "");
      if (first !== undefined && !passing) {
        const since = new Date(first.record.at).toISOString();
        journal.system(
          pluginConfigId,
          "WARN",
          `Events since ${since} go past this plugin while it is disabled. Rewind ${consumer} to that time to have them once it works.`,
        );
      }
      passing = passed.length > 0;
      return redelivered.map(({ index }) => ({ index, reason: "The plugin is disabled" }));
    },
  };
}
