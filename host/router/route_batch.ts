/**
 * Passes one batch of a project through its stages. Between two stages the events stay encoded: what comes out of one
 * cell goes into the next one's frame as it is.
 * @module
 */

import { Outcome } from "../../runtime/protocol.ts";
import type { BatchOutcome, EncodedEvents } from "../cells/plugin_runtime.ts";
import { withMarks } from "./marks.ts";
import type { Stage, StagePlugin } from "./stage.ts";
import type { Turn } from "./turns.ts";

/** A batch after its last plugin. */
export interface RoutedBatch {
  /** Indices into the batch that went in of the events that were not dropped, ascending. */
  survivors: number[];
  /** The survivors, in that order. */
  events: EncodedEvents;
  /**
   * For each plugin that was run: its outcome for each event that went in (`skipped` where an earlier one had dropped
   * it).
   */
  runs: { plugin: StagePlugin; outcomes: Outcome[] }[];
}

/** Told of every stage that a batch passed. */
export interface RouteTap {
  /** `survivors` are the indices, into the batch that went in, of the events of `before`. */
  stage(plugins: StagePlugin[], survivors: number[], before: EncodedEvents, answer: BatchOutcome, ms: number): void;
}

/**
 * `turns` are one per stage, taken when the batch started: a batch enters a stage only after the batch before it has,
 * so that the sandbox sees the events of one `distinct_id` in order.
 */
export async function routeBatch(
  stages: Stage[],
  turns: Turn[],
  input: EncodedEvents,
  tap: RouteTap | null = null,
): Promise<RoutedBatch> {
  const count = input.lengths.length;
  let survivors = Array.from({ length: count }, (_, index) => index);
  let events = input;
  const runs: RoutedBatch["runs"] = [];
  for (const [index, stage] of stages.entries()) {
    await turns[index]?.mine;
    const plugins = stage.plugins.filter((plugin) => processesEvents(stage, plugin));
    if (plugins.length === 0 || survivors.length === 0) {
      turns[index]?.pass();
      continue;
    }
    if (stage.plugins[0]?.readsMarks) events = withMarks(events, survivors, runs);
    const start = performance.now();
    const answer = stage.runtime.batch("processEvent", plugins.map((plugin) => plugin.pluginConfigId), events);
    turns[index]?.pass();
    const answered = await answer;
    tap?.stage(plugins, survivors, events, answered, performance.now() - start);
    const { outcomes, events: processed } = answered;
    for (const [position, plugin] of plugins.entries()) {
      const run = { plugin, outcomes: new Array<Outcome>(count).fill(Outcome.skipped) };
      for (const [at, event] of survivors.entries()) run.outcomes[event] = outcomes[position]?.[at] as Outcome;
      runs.push(run);
    }
    survivors = survivors.filter((_, at) => processed.lengths[at] !== 0);
    // A dropped event has no bytes, so the body stands as it is.
    const lengths = processed.lengths.filter((length) => length !== 0);
    const origins = input.origins && survivors.map((event) => input.origins?.[event] ?? {});
    events = { lengths, body: processed.body, ...(origins ? { origins } : {}) };
  }
  return { survivors, events, runs };
}

/** A plugin whose exports are not known yet is asked: it answers when they are. */
function processesEvents(stage: Stage, plugin: StagePlugin): boolean {
  return stage.runtime.status(plugin.pluginConfigId).capabilities?.methods.includes("processEvent") ?? true;
}
