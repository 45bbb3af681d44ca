/**
 * Stores every ten seconds what was counted since the last time. Recent counts are kept in fine steps, older ones in
 * coarser steps. A host that is killed loses what it counted since it last wrote.
 * @module
 */

import { type Point, type Series, type SeriesRow, type Step, STEPS } from "../store/observed.ts";
import { addPoint, differenceOf } from "../store/points.ts";

export interface RecorderOptions {
  series: Pick<Series, "put" | "prune">;
  /** Identifies this run of this host. */
  run: string;
  now: () => number;
  /** Every count since the start and every present state, by subject. */
  read(): Promise<Map<string, Point>>;
  onError(message: string): void;
}

export interface Recorder extends AsyncDisposable {
  /** Stores what was counted up to now. Calls run one after the other. */
  flush(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const SECOND_MS = 1000;
export const RECORD_EVERY_MS = 10 * SECOND_MS;
/** How long the points of each step are kept. */
export const KEEP_MS: Record<Step, number> = {
  10: 3600 * SECOND_MS,
  60: 24 * 3600 * SECOND_MS,
  3600: 30 * 24 * 3600 * SECOND_MS,
};
const PRUNE_EVERY_MS = 300 * SECOND_MS;

/** The points of the step in progress. */
interface Open {
  at: number;
  points: Map<string, Point>;
}

export function createRecorder({ series, run, now, read, onError }: RecorderOptions): Recorder {
  let before = new Map<string, Point>();
  const open = new Map<Step, Open>();
  let prunedAt = -Infinity;
  let flushing = Promise.resolve();
  const timer = setInterval(() => void flush(), RECORD_EVERY_MS);

  function flush(): Promise<void> {
    return flushing = flushing.then(() => write().catch((error) => onError(`Cannot store metrics: ${error}`)));
  }

  async function write(): Promise<void> {
    const points = await read();
    // What was counted belongs to the time before this moment.
    const time = now() - 1;
    const changed = new Map<string, Point>();
    for (const [subject, point] of points) {
      const difference = differenceOf(before.get(subject), point);
      if (difference !== null) changed.set(subject, difference);
    }
    before = points;
    await series.put(run, STEPS.flatMap((step) => addTo(step, time, changed)));
    if (time - prunedAt < PRUNE_EVERY_MS) return;
    prunedAt = time;
    for (const step of STEPS) await series.prune(step, time - KEEP_MS[step]);
  }

  /** The rows of this step that have changed. */
  function addTo(step: Step, time: number, changed: Map<string, Point>): SeriesRow[] {
    const at = startOf(step, time);
    let current = open.get(step);
    if (current?.at !== at) open.set(step, current = { at, points: new Map() });
    const { points } = current;
    return Array.from(changed, ([subject, difference]) => {
      const point = points.get(subject) ?? {};
      points.set(subject, point);
      addPoint(point, difference);
      return { subject, step, at, point };
    });
  }

  return {
    flush,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await flush();
    },
  };
}

/** The start of the step that contains the time. */
export function startOf(step: Step, time: number): number {
  return time - time % (step * SECOND_MS);
}
