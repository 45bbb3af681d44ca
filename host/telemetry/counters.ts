/**
 * Counts what happened since the service started, for each plugin config and function, each consumer and each project.
 * Counts only ever grow; to learn what happened in between, compare two readings.
 * @module
 */

import { Outcome } from "../../runtime/protocol.ts";
import type { PluginMeter } from "../cells/plugin_meter.ts";
import type { ConsumerMeter } from "../consumers/consumer_meter.ts";
import type { Point } from "../store/observed.ts";
import { bucketName, bucketOf, countDuration, type DurationCounts, noDurations } from "./histogram.ts";

/** The counts of one function of one plugin config. */
export interface FunctionCounts extends DurationCounts {
  in: number;
  out: number;
  dropped: number;
  failed: number;
  timedOut: number;
  retried: number;
  skipped: number;
  inFlight: number;
}

export interface ConsumerCounts {
  project: number;
  delivered: number;
  /** Events for which the plugin's function threw. */
  threw: number;
  /** Deliveries that failed and will be tried again. */
  failed: number;
  rejected: number;
  bytes: number;
  /** The durations of deliveries, including those that failed. */
  attempts: DurationCounts;
  /** How long delivered events had been in the outbox. */
  ages: DurationCounts;
}

export interface ProjectCounts {
  received: number;
  stored: number;
  /** Refused requests by the code of the answer. */
  refused: Map<string, number>;
  /** Events that were not stored as they were sent, by the kind of repair. */
  repaired: Map<string, number>;
}

/** What intake reports. `project` is null for requests whose project is unknown. */
export interface IntakeMeter {
  stored(project: number, events: number): void;
  refused(project: number | null, code: string, detail: string): void;
  repaired(project: number, code: string, detail: string): void;
}

export interface Counters {
  readonly plugins: Omit<PluginMeter, "failed">;
  readonly consumers: ConsumerMeter;
  readonly intake: IntakeMeter;
  readonly functions: ReadonlyMap<number, ReadonlyMap<string, Readonly<FunctionCounts>>>;
  readonly restarts: ReadonlyMap<number, number>;
  readonly byConsumer: ReadonlyMap<string, Readonly<ConsumerCounts>>;
  readonly byProject: ReadonlyMap<number | null, Readonly<ProjectCounts>>;
  /** Everything by subject: `plugin:39/processEvent`, `plugin:39`, `consumer:<id>`, `project:1`. */
  read(): Map<string, Point>;
}

/**
 * The most functions of one plugin config that are counted. Plugins choose the names of their jobs, so the number must
 * be bounded.
 */
const MOST_FUNCTIONS = 100;
const OK = Outcome.ok.charCodeAt(0);
const DROPPED = Outcome.dropped.charCodeAt(0);
const FAILED = Outcome.failed.charCodeAt(0);
const RETRY = Outcome.retry.charCodeAt(0);

export function createCounters(): Counters {
  const functions = new Map<number, Map<string, FunctionCounts>>();
  const restarts = new Map<number, number>();
  const byConsumer = new Map<string, ConsumerCounts>();
  const byProject = new Map<number | null, ProjectCounts>();

  function countsOf(pluginConfigId: number, fn: string): FunctionCounts {
    let own = functions.get(pluginConfigId);
    if (own === undefined) functions.set(pluginConfigId, own = new Map());
    const name = own.size < MOST_FUNCTIONS || own.has(fn) ? fn : "others";
    let counts = own.get(name);
    if (counts === undefined) own.set(name, counts = noCounts());
    return counts;
  }

  function consumer(id: string, project: number): ConsumerCounts {
    let counts = byConsumer.get(id);
    if (counts === undefined) {
      const durations = { attempts: noDurations(), ages: noDurations() };
      byConsumer.set(id, counts = { project, delivered: 0, threw: 0, failed: 0, rejected: 0, bytes: 0, ...durations });
    }
    return counts;
  }

  function project(id: number | null): ProjectCounts {
    let counts = byProject.get(id);
    if (counts === undefined) {
      byProject.set(id, counts = { received: 0, stored: 0, refused: new Map(), repaired: new Map() });
    }
    return counts;
  }

  return {
    functions,
    restarts,
    byConsumer,
    byProject,
    plugins: {
      begin(fn, ids, events) {
        for (const id of ids) countsOf(id, fn).inFlight += events;
      },
      batch(fn, ids, outcome, ms) {
        const bucket = bucketOf(ms);
        for (const [position, id] of ids.entries()) {
          countBatch(countsOf(id, fn), outcome.outcomes[position] ?? "", ms, bucket);
        }
        for (const { plugin, error } of outcome.errors) {
          const id = ids[plugin];
          if (id !== undefined && error.name === "TimeoutError") countsOf(id, fn).timedOut++;
        }
      },
      abandon(fn, ids, events) {
        for (const id of ids) countsOf(id, fn).inFlight -= events;
      },
      call(id, name, error, ms) {
        const counts = countsOf(id, name);
        counts.in++;
        countDuration(counts, ms);
        if (error === null) counts.out++;
        else if (error.retry) counts.retried++;
        else counts.failed++;
        if (error?.name === "TimeoutError") counts.timedOut++;
      },
      restarted(id) {
        restarts.set(id, (restarts.get(id) ?? 0) + 1);
      },
    },
    consumers: {
      attempted(id, projectId, ms) {
        countDuration(consumer(id, projectId).attempts, ms);
      },
      delivered(id, projectId, events, bytes, agesMs) {
        const counts = consumer(id, projectId);
        counts.delivered += events;
        counts.bytes += bytes;
        // The clock may have been set back in the meantime.
        for (const ms of agesMs) countDuration(counts.ages, Math.max(ms, 0));
      },
      threw(id, projectId, events) {
        consumer(id, projectId).threw += events;
      },
      failed(id, projectId) {
        consumer(id, projectId).failed++;
      },
      rejected(id, projectId, events) {
        consumer(id, projectId).rejected += events;
      },
    },
    intake: {
      stored(id, events) {
        const counts = project(id);
        counts.received += events;
        counts.stored += events;
      },
      refused(id, code) {
        const { refused } = project(id);
        refused.set(code, (refused.get(code) ?? 0) + 1);
      },
      repaired(id, code) {
        const { repaired } = project(id);
        repaired.set(code, (repaired.get(code) ?? 0) + 1);
      },
    },
    read() {
      const points = new Map<string, Point>();
      for (const [id, own] of functions) {
        for (const [fn, counts] of own) points.set(`plugin:${id}/${fn}`, pointOf(counts));
      }
      for (const [id, count] of restarts) points.set(`plugin:${id}`, { restarts: count });
      for (const [id, { delivered, threw, failed, rejected, bytes }] of byConsumer) {
        points.set(`consumer:${id}`, { delivered, threw, failed, rejected, bytes });
      }
      for (const [id, { received, stored, refused }] of byProject) {
        const reasons = Array.from(refused, ([code, count]) => [`refused_${code}`, count] as const);
        points.set(`project:${id ?? "none"}`, { received, stored, ...Object.fromEntries(reasons) });
      }
      return points;
    },
  };
}

function noCounts(): FunctionCounts {
  return {
    in: 0,
    out: 0,
    dropped: 0,
    failed: 0,
    timedOut: 0,
    retried: 0,
    skipped: 0,
    inFlight: 0,
    ...noDurations(),
  };
}

/** Events that were `skipped` never reached the plugin, so they count as nothing else. */
function countBatch(counts: FunctionCounts, line: string, ms: number, bucket: number): void {
  let [out, dropped, failed, retried, skipped] = [0, 0, 0, 0, 0];
  for (let at = 0; at < line.length; at++) {
    switch (line.charCodeAt(at)) {
      case OK:
        out++;
        break;
      case DROPPED:
        dropped++;
        break;
      case FAILED:
        failed++;
        break;
      case RETRY:
        retried++;
        break;
      default:
        skipped++;
    }
  }
  counts.inFlight -= line.length;
  counts.skipped += skipped;
  if (skipped === line.length) return;
  counts.in += line.length - skipped;
  counts.out += out;
  counts.dropped += dropped;
  counts.failed += failed;
  counts.retried += retried;
  counts.calls++;
  counts.ms += ms;
  counts.buckets[bucket]!++;
}

function pointOf(counts: FunctionCounts): Point {
  const { timedOut, buckets, inFlight, ...rest } = counts;
  const point: Point = { ...rest, timed_out: timedOut, in_flight: inFlight };
  for (const [index, count] of buckets.entries()) if (count > 0) point[bucketName(index)] = count;
  return point;
}
