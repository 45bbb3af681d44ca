/**
 * Keeps single events that are worth showing: a sample of those that plugins dropped, and traces that an operator asked
 * for. Their number, size and rate are bounded, and they are stored together.
 * @module
 */

import { Outcome } from "../../runtime/protocol.ts";
import type { StoredRecord } from "../log/event_log.ts";
import type { RouterObserver } from "../router/router.ts";
import type { NewSighting, SightingKind, Sightings } from "../store/observed.ts";
import { createTraceTap } from "./trace_tap.ts";
import type { TraceOrders } from "./trace_orders.ts";

export interface SightingWriter extends RouterObserver {
  flush(): Promise<void>;
}

export interface SightingWriterOptions {
  store: Pick<Sightings, "add" | "prune">;
  orders: TraceOrders;
  now: () => number;
  onError(message: string): void;
  /** Called for every event that is kept. */
  onSighting?(sighting: NewSighting): void;
}

/** How many dropped events are kept for each plugin every second. */
const DROPPED_A_SECOND = 5;
const MAX_EVENT_BYTES = 64 * 1024;
/** The most bytes that may wait for the next write. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Bounds for what is stored. */
const KEEP: Record<SightingKind, { bytes: number; ms: number }> = {
  dropped: { bytes: 32 * 1024 * 1024, ms: 24 * 3_600_000 },
  trace: { bytes: 64 * 1024 * 1024, ms: 7 * 24 * 3_600_000 },
};
const PRUNE_EVERY_MS = 60_000;

export function createSightingWriter(options: SightingWriterOptions): SightingWriter {
  const { store, orders, now, onError } = options;
  const allowance = new Map<number, { second: number; left: number }>();
  let waiting: NewSighting[] = [];
  let waitingBytes = 0;
  let prunedAt = -Infinity;
  let writing = Promise.resolve();

  function keep(sighting: NewSighting): boolean {
    if (waitingBytes + sighting.body.length > MAX_WAITING_BYTES) return false;
    waitingBytes += sighting.body.length;
    waiting.push(sighting);
    options.onSighting?.(sighting);
    return true;
  }

  function mayKeepDropped(pluginConfigId: number): boolean {
    const second = Math.floor(now() / 1000);
    let own = allowance.get(pluginConfigId);
    if (own?.second !== second) allowance.set(pluginConfigId, own = { second, left: DROPPED_A_SECOND });
    return own.left-- > 0;
  }

  function keepDropped(project: number, record: StoredRecord | undefined, pluginConfigId: number): void {
    if (record === undefined || record.event.byteLength > MAX_EVENT_BYTES || !mayKeepDropped(pluginConfigId)) return;
    const body = new TextDecoder().decode(record.event);
    keep({ kind: "dropped", teamId: project, pluginConfigId, ...describe(record, body), at: now(), body });
  }

  async function write(): Promise<void> {
    const sightings = waiting;
    waiting = [];
    waitingBytes = 0;
    try {
      if (sightings.length > 0) await store.add(sightings);
      if (now() - prunedAt < PRUNE_EVERY_MS) return;
      prunedAt = now();
      await store.prune("dropped", KEEP.dropped.bytes, now() - KEEP.dropped.ms);
      await store.prune("trace", KEEP.trace.bytes, now() - KEEP.trace.ms);
    } catch (error) {
      onError(`Cannot store ${sightings.length} traced or dropped events: ${error}`);
    }
  }

  return {
    tap(project, records) {
      const wanted = orders.choose(project, records);
      if (wanted.length === 0) return null;
      return createTraceTap(records, wanted, (record, trace) => {
        const body = new TextDecoder().decode(record.event);
        keep({
          kind: "trace",
          teamId: project,
          pluginConfigId: 0,
          ...describe(record, body),
          at: now(),
          body: JSON.stringify(trace),
        });
      });
    },
    dropped(project, records, runs) {
      for (const { plugin, outcomes } of runs) {
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome === Outcome.dropped) keepDropped(project, records[index], plugin.pluginConfigId);
        }
      }
    },
    flush: () => writing = writing.then(write),
  };
}

function describe(record: StoredRecord, json: string): Pick<NewSighting, "uuid" | "distinctId" | "name"> {
  const { uuid, event } = JSON.parse(json) as { uuid?: unknown; event?: unknown };
  return { uuid: String(uuid ?? ""), distinctId: record.key, name: String(event ?? "") };
}
