/**
 * A cell whose plugins are loaded and set up, addressed by plugin config instead of by index.
 * @module
 */

import type { Answer, BatchFunction } from "../../runtime/protocol.ts";
import type { Cell } from "./process/cell.ts";
import type { BatchOutcome, EncodedEvents, EventOrigin } from "./plugin_runtime.ts";

export interface LoadedCell {
  /** Batches and calls that it has answered since it was set up. */
  readonly answered: number;
  batch(fn: BatchFunction, pluginConfigIds: number[], events: EncodedEvents): Promise<BatchOutcome>;
  call(
    pluginConfigId: number,
    type: "job" | "task",
    name: string,
    payload: unknown,
    origin: EventOrigin,
  ): Promise<Answer>;
  /** Resolves when nothing is unanswered; for a cell that gets no new work. */
  quiet(): Promise<void>;
}

/**
 * `loaded` are the plugin configs in the order of the LoadRequest. `onSpent` is told how long each kept the thread, in
 * milliseconds, where several ran together.
 */
export function createLoadedCell(
  cell: Cell,
  loaded: readonly number[],
  onSpent: (pluginConfigId: number, ms: number) => void = () => {},
): LoadedCell {
  const unanswered = new Set<Promise<unknown>>();
  let answered = 0;

  async function count<T>(answer: Promise<T>): Promise<T> {
    unanswered.add(answer);
    try {
      const value = await answer;
      answered++;
      return value;
    } finally {
      unanswered.delete(answer);
    }
  }

  return {
    get answered() {
      return answered;
    },
    async batch(fn, pluginConfigIds, events) {
      const outcome = await count(cell.batch(fn, pluginConfigIds.map((id) => loaded.indexOf(id)), events));
      outcome.spent?.forEach((ms, position) => onSpent(pluginConfigIds[position] as number, ms));
      return outcome;
    },
    call(pluginConfigId, type, name, payload, origin) {
      const plugin = loaded.indexOf(pluginConfigId);
      const request = payload === undefined ? { plugin, type, name } : { plugin, type, name, payload };
      return count(cell.call(request, type, origin));
    },
    async quiet() {
      while (unanswered.size > 0) await Promise.allSettled(unanswered);
    },
  };
}
