/**
 * What is written down about the plugins of a cell: failures of their events, dead letters, and the lines they print.
 * @module
 */

import type { BatchFunction, LogBatch } from "../../runtime/protocol.ts";
import type { DeadLetters } from "../store/store.ts";
import type { CellEnd } from "./process/cell_end.ts";
import type { Culprit } from "./dispatch/dispatcher.ts";
import type { PluginMeter } from "./plugin_meter.ts";
import type { PluginMember } from "./plugin_member.ts";
import type { PluginRecords } from "./plugin_records.ts";
import type { BatchOutcome, EncodedEvents } from "./plugin_runtime.ts";

export interface PluginReports {
  /**
   * Gives the errors of a batch with stacks in the plugins' own files. Errors of processEvent are recorded here;
   * those of the other functions are recorded by their consumers.
   */
  errors(
    fn: BatchFunction,
    errors: BatchOutcome["errors"],
    chain: (PluginMember | undefined)[],
    events: EncodedEvents,
  ): BatchOutcome["errors"];
  deadLetter(end: CellEnd, culprit: Culprit, member: PluginMember): void;
  log(members: PluginMember[], batch: LogBatch): void;
  /** Resolves when every dead letter is stored, or given up. */
  written(): Promise<void>;
}

export interface PluginReportsOptions {
  records: PluginRecords;
  meter: Pick<PluginMeter, "failed">;
  deadLetters: Pick<DeadLetters, "add">;
  onNotice(message: string, level: NoticeLevel): void;
}

/** Of a line in the service's own log. */
export type NoticeLevel = "info" | "warn" | "error";

/** Failures of one batch that are written down. */
const KEPT_ERRORS = 20;

export function createPluginReports({ records, meter, deadLetters, onNotice }: PluginReportsOptions): PluginReports {
  const writing = new Set<Promise<void>>();
  return {
    errors(fn, errors, chain, events) {
      if (fn === "processEvent") {
        for (const { error, event, plugin } of errors.slice(0, KEPT_ERRORS)) {
          chain[plugin]?.recordError(error, textOf(events, event));
        }
      }
      return errors.map((each) => {
        const member = chain[each.plugin];
        const error = member?.mapError(each.error) ?? each.error;
        if (member) meter.failed(member.id, member.config.teamId, fn, error, () => textOf(events, each.event));
        return { ...each, error };
      });
    },
    deadLetter(end, { pluginConfigId, fn, event }, member) {
      // Consumers store what they had in hand themselves, as it stands in the outbox.
      if (fn !== "processEvent") return;
      const write = deadLetters.add([{
        teamId: member.config.teamId,
        consumer: `${fn}:${pluginConfigId}`,
        reason: member.hide(`The plugin was stopped: ${end.words}`),
        event: new TextDecoder().decode(event),
      }]).catch((error) => onNotice(`Cannot store a dead letter of plugin config ${pluginConfigId}: ${error}`, "error"))
        .finally(() => writing.delete(write));
      writing.add(write);
    },
    log(members, { entries, dropped }) {
      for (const [index, member] of members.entries()) {
        const own = entries.filter((entry) => entry.plugin === index).map((entry) => {
          const text = entry.source === "PLUGIN" ? member.mapStack(entry.message) : entry.message;
          return { ...entry, message: member.hide(text) };
        });
        const left = dropped[index] ?? 0;
        if (own.length > 0 || left > 0) records.log(member.id, own, left);
      }
    },
    async written() {
      await Promise.all(writing);
    },
  };
}

function textOf({ lengths, body }: EncodedEvents, index: number): string {
  const start = lengths.slice(0, index).reduce((sum, length) => sum + length, 0);
  return new TextDecoder().decode(body.subarray(start, start + (lengths[index] ?? 0)));
}
