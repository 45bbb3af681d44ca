/**
 * Hands batches and calls to the current cell, in the order in which they arrive and a bounded number at a time, and
 * carries them through the deaths of cells.
 *
 * When a cell ends with work in flight, that work becomes suspect. A suspect that was alone in flight is judged at
 * once (blame.ts). Otherwise every event of every suspect batch passes through the new cell alone, one after the
 * other and before any new work, until the one that ends the cell again is found, or none is: then no particular
 * event was to blame.
 * @module
 */

import { type BatchFunction, Outcome } from "../../../runtime/protocol.ts";
import { isBlamed } from "./blame.ts";
import { type CellEnd, CellEndedError } from "../process/cell_end.ts";
import type { LoadedCell } from "../loaded_cell.ts";
import { type BatchOutcome, type EncodedEvents, type EventOrigin, PluginCallError } from "../plugin_runtime.ts";
import { failedEvent, joinOutcomes, oneEvent, PLUGIN_STOPPED, skippedBatch, spreadOutcome } from "./split_batch.ts";

/**
 * Work that is still running or waiting when a runtime is closed; it was not done, and is found again at the next
 * start.
 */
export class RuntimeClosedError extends Error {
  override name = "RuntimeClosedError";
  constructor() {
    super("Cannot run the plugin: it is being stopped");
  }
}

/** An event that ended the cell. */
export interface Culprit {
  pluginConfigId: number;
  fn: BatchFunction;
  /** JSON text. */
  event: Uint8Array;
}

export interface DispatcherOptions {
  memoryBytes: number;
  /** False when the plugin is disabled or has no such function: its outcome is `skipped`. */
  runs(pluginConfigId: number, fn: BatchFunction): boolean;
  /** Called once for each event or call that is found guilty. `pluginConfigId` is null when no particular plugin is. */
  onIncident(end: CellEnd, pluginConfigId: number | null, culprit: Culprit | null): void;
  /** Called when no event or call was found that ended the cell. */
  onUnexplained(end: CellEnd): void;
  /** There is work and no cell. */
  onWork(): void;
}

interface Work {
  order: number;
  lane: string;
  /** Resolves when it is settled; rejects with CellEndedError when the cell ended first. */
  run(cell: LoadedCell): Promise<void>;
  /** What becomes of it after its cell ended. */
  resume(end: CellEnd): "suspect" | "settled";
  runAlone(): Promise<boolean>;
  close(): void;
}

/** How many run in one cell at a time. Every consumer has at most one batch, so none can take another's place. */
const LANE_WIDTH: Record<string, number> = { processEvent: 4, call: 16 };
const OTHER_LANE_WIDTH = 2;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #waiting = new Map<string, Work[]>();
  readonly #running = new Map<string, number>();
  #suspects: Work[] = [];
  #outstanding = 0;
  #order = 0;
  #investigating = false;
  /** The end whose cause is being looked for. */
  #unexplained: { end: CellEnd; didWork: boolean } | null = null;
  /** Undefined while there is none, null when no plugin is enabled. */
  #cell: LoadedCell | null | undefined;
  #cellChanged = Promise.withResolvers<void>();
  #closed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Batches and calls so far. */
  get submitted(): number {
    return this.#order;
  }

  /** Batches and calls that are not settled. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Sends work to this cell from now on. With null no plugin is enabled and events pass; with undefined work waits. */
  attach(cell: LoadedCell | null | undefined): void {
    this.#cell = cell;
    this.#cellChanged.resolve();
    this.#cellChanged = Promise.withResolvers<void>();
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.attach(undefined);
    for (const work of [...this.#waiting.values(), this.#suspects].flat()) work.close();
    this.#waiting.clear();
    this.#suspects = [];
  }

  batch(fn: BatchFunction, pluginConfigIds: number[], events: EncodedEvents): Promise<BatchOutcome> {
    return this.#submit<BatchOutcome>(fn, (resolve) => ({
      run: async (cell) => resolve(await this.#runBatch(cell, fn, pluginConfigIds, events)),
      resume: (end) => {
        const [pluginConfigId] = pluginConfigIds;
        const single = end.inFlight === 1 && events.lengths.length === 1 && pluginConfigIds.length === 1;
        if (!single || pluginConfigId === undefined) return "suspect";
        if (!this.#judge(end, 0, false, { fn, pluginConfigId, event: events.body })) return "suspect";
        resolve(joinOutcomes([failedEvent(end, fn, events)]));
        return "settled";
      },
      runAlone: async () => {
        const { outcome, blamed } = await this.#runEachAlone(fn, pluginConfigIds, events);
        resolve(outcome);
        return blamed;
      },
    }));
  }

  call(
    pluginConfigId: number,
    type: "job" | "task",
    name: string,
    payload: unknown,
    origin: EventOrigin,
  ): Promise<unknown> {
    return this.#submit<unknown>("call", (resolve, reject) => ({
      run: async (cell) => {
        const answer = await cell.call(pluginConfigId, type, name, payload, origin);
        if (answer.ok) resolve(answer.value);
        else reject(new PluginCallError(answer.error));
      },
      // Whether to run it again is its owner's decision, who knows how often it ran.
      resume: (end) => {
        const alone = end.inFlight === 1;
        if (alone) this.#options.onIncident(end, pluginConfigId, null);
        else this.#unexplained ??= { end, didWork: true };
        const message = `${type} ${name} was ended: ${end.words}`;
        reject(new PluginCallError({ name: PLUGIN_STOPPED, message, retry: !alone }));
        return "settled";
      },
      runAlone: () => Promise.resolve(false),
    }));
  }

  #submit<T>(
    lane: string,
    create: (
      resolve: (value: T) => void,
      reject: (error: Error) => void,
    ) => Pick<Work, "run" | "resume" | "runAlone">,
  ): Promise<T> {
    if (this.#closed) return Promise.reject(new RuntimeClosedError());
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const work = create(resolve, reject);
    const order = this.#order++;
    this.#outstanding++;
    const queue = this.#waiting.get(lane) ?? [];
    queue.push({ ...work, order, lane, close: () => reject(new RuntimeClosedError()) });
    this.#waiting.set(lane, queue);
    if (this.#cell === undefined) this.#options.onWork();
    this.#pump();
    return promise.finally(() => this.#outstanding--);
  }

  #pump(): void {
    if (this.#cell === undefined || this.#investigating) return;
    if (this.#suspects.length > 0) {
      void this.#investigate();
      return;
    }
    for (const [lane, queue] of this.#waiting) {
      while (queue.length > 0 && this.#cell !== undefined && this.#runningIn(lane) < widthOf(lane)) {
        void this.#start(queue.shift() as Work, this.#cell);
      }
    }
  }

  async #start(work: Work, cell: LoadedCell | null): Promise<void> {
    this.#running.set(work.lane, this.#runningIn(work.lane) + 1);
    try {
      await work.run(cell ?? NO_CELL);
    } catch (error) {
      if (!(error instanceof CellEndedError)) throw error;
      this.#afterEnd(work, error, cell);
    } finally {
      this.#running.set(work.lane, this.#runningIn(work.lane) - 1);
      this.#pump();
    }
  }

  #afterEnd(work: Work, { end, taken }: CellEndedError, cell: LoadedCell | null): void {
    if (cell === this.#cell) this.attach(undefined);
    if (end.kind === "stopped" || this.#closed) return work.close();
    if (!taken) {
      // The sandbox never saw this work, so it returns to its place in the queue.
      this.#waiting.get(work.lane)?.push(work);
      this.#waiting.get(work.lane)?.sort((a, b) => a.order - b.order);
      return;
    }
    if (work.resume(end) === "settled") return;
    this.#unexplained ??= { end, didWork: (cell?.answered ?? 0) > 0 };
    this.#suspects.push(work);
    this.#suspects.sort((a, b) => a.order - b.order);
  }

  async #investigate(): Promise<void> {
    this.#investigating = true;
    let found = false;
    for (let work = this.#suspects.shift(); work !== undefined; work = this.#suspects.shift()) {
      try {
        found = await work.runAlone() || found;
      } catch (error) {
        if (!(error instanceof RuntimeClosedError)) throw error;
        work.close();
      }
    }
    this.#investigating = false;
    const unexplained = this.#unexplained;
    this.#unexplained = null;
    if (unexplained !== null && !found) {
      // A cell that grows slowly while its work gets done is nobody's fault.
      const isFault = unexplained.end.kind !== "memory" || !unexplained.didWork;
      if (isFault) this.#options.onIncident(unexplained.end, null, null);
      this.#options.onUnexplained(unexplained.end);
    }
    this.#pump();
  }

  async #runBatch(
    cell: LoadedCell,
    fn: BatchFunction,
    pluginConfigIds: number[],
    events: EncodedEvents,
  ): Promise<BatchOutcome> {
    const running = pluginConfigIds.filter((id) => this.#options.runs(id, fn));
    if (running.length === 0 || events.lengths.length === 0) return skippedBatch(fn, pluginConfigIds.length, events);
    return spreadOutcome(await cell.batch(fn, running, events), pluginConfigIds, running);
  }

  async #runEachAlone(
    fn: BatchFunction,
    pluginConfigIds: number[],
    events: EncodedEvents,
  ): Promise<{ outcome: BatchOutcome; blamed: boolean }> {
    const parts: BatchOutcome[] = [];
    let blamed = false;
    for (let event = 0; event < events.lengths.length; event++) {
      let current = oneEvent(events, event);
      const steps: BatchOutcome[] = [];
      for (const id of pluginConfigIds) {
        if (current.lengths[0] === 0 && fn === "processEvent") {
          steps.push(skippedBatch(fn, 1, current));
          continue;
        }
        const step = await this.#runOne(fn, id, current);
        blamed ||= step.blamed;
        steps.push(step.outcome);
        if (fn === "processEvent") current = step.outcome.events;
      }
      parts.push(joinSteps(steps, current));
    }
    return { outcome: joinOutcomes(parts), blamed };
  }

  /** Runs one event through one plugin, on as many cells as it takes to know the outcome. */
  async #runOne(
    fn: BatchFunction,
    pluginConfigId: number,
    event: EncodedEvents,
  ): Promise<{ outcome: BatchOutcome; blamed: boolean }> {
    for (;;) {
      const cell = await this.#nextCell();
      const fresh = cell.answered === 0;
      try {
        return { outcome: await this.#runBatch(cell, fn, [pluginConfigId], event), blamed: false };
      } catch (error) {
        if (!(error instanceof CellEndedError)) throw error;
        if (cell === this.#cell) this.attach(undefined);
        if (error.end.kind === "stopped") throw new RuntimeClosedError();
        if (!error.taken) continue;
        if (!this.#judge(error.end, 1, fresh, { fn, pluginConfigId, event: event.body })) continue;
        return { outcome: failedEvent(error.end, fn, event), blamed: true };
      }
    }
  }

  #judge(end: CellEnd, earlierDeaths: number, fresh: boolean, culprit: Culprit): boolean {
    if (!isBlamed(end, earlierDeaths, fresh, this.#options.memoryBytes)) return false;
    this.#options.onIncident(end, culprit.pluginConfigId, culprit);
    return true;
  }

  async #nextCell(): Promise<LoadedCell> {
    while (this.#cell === undefined) {
      if (this.#closed) throw new RuntimeClosedError();
      await this.#cellChanged.promise;
    }
    return this.#cell ?? NO_CELL;
  }

  #runningIn(lane: string): number {
    return this.#running.get(lane) ?? 0;
  }
}

/** Takes the place of a cell when every plugin is disabled. Batches never reach it, since no plugin would run them. */
const NO_CELL: LoadedCell = {
  answered: 0,
  batch: () => Promise.reject(new RuntimeClosedError()),
  quiet: () => Promise.resolve(),
  call: () => Promise.resolve({ ok: false, error: { name: "Error", message: "The plugin is disabled", retry: false } }),
};

function widthOf(lane: string): number {
  return LANE_WIDTH[lane] ?? OTHER_LANE_WIDTH;
}

/** The outcomes of one event in one plugin after the other, as one outcome of the chain. */
function joinSteps(steps: BatchOutcome[], events: EncodedEvents): BatchOutcome {
  const skipped: string = Outcome.skipped;
  return {
    outcomes: steps.map((step) => step.outcomes[0] ?? skipped),
    errors: steps.flatMap((step, plugin) => step.errors.map((error) => ({ ...error, plugin }))),
    events,
  };
}
