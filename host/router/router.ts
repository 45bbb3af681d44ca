/**
 * Moves the events of one project from the inbox to the outbox: takes batches as they come, passes them through the
 * plugins, several in flight at a time, and moves its cursor together with what came out.
 *
 * An idle router takes a lone event at once. Under load batches fill by themselves, since new ones are read only as
 * fast as those in flight are done.
 * @module
 */

import { Buffer } from "node:buffer";
import { Outcome } from "../../runtime/protocol.ts";
import type { EventOrigin } from "../cells/plugin_runtime.ts";
import type { Clock } from "../clock.ts";
import { type Cursor, type EventLog, StaleCursorError, type StoredRecord } from "../log/event_log.ts";
import { decodeEvents, encodeEvents } from "./encode_events.ts";
import { finishBatch } from "./finish_batch.ts";
import { routeBatch, type RoutedBatch, type RouteTap } from "./route_batch.ts";
import type { Stage } from "./stage.ts";
import { createGate, type Gate, type Turn } from "./turns.ts";

/** Name of the router's cursor in the inbox. */
export const ROUTER = "router";

/** Wait before a failed step or read is tried again. */
const RETRY_MS = 1000;
/** Wait before batches that were given up are read again. */
const AGAIN_MS = 100;

/**
 * Finishing a batch takes several times its bytes, so a project finishes only one batch at a time of those that grew
 * beyond this.
 */
const LARGE_BYTES = 4 * 1024 * 1024;

/** The text that every `$snapshot` event has in its JSON, and few others have. */
const SNAPSHOT = '"$snapshot"';

export interface RouterChain {
  stages: Stage[];
  anonymizeIps: boolean;
  /**
   * Marks of plugins with onEvent, onSnapshot or exportEvents; asked for when a batch is finished, since setup may come
   * late.
   */
  deferred(): string[];
}

/** Watches what passes; must not hold it up. */
export interface RouterObserver {
  /** Null when nobody wants to see the way of any of these events. */
  tap(project: number, records: StoredRecord[]): (RouteTap & { done(): void }) | null;
  /** A plugin dropped at least one of the events. */
  dropped(project: number, records: StoredRecord[], runs: RoutedBatch["runs"]): void;
}

export interface RouterOptions {
  log: EventLog;
  clock: Clock;
  teamId: number;
  chain: RouterChain;
  /** Per batch. With `inFlight` this bounds the events a router holds in memory. */
  maxEvents: number;
  maxBytes: number;
  /** Batches in flight. */
  inFlight: number;
  observer?: RouterObserver;
  /** Told of failures of the log; the router tries again by itself. */
  onError(error: unknown): void;
}

export interface Router extends AsyncDisposable {
  /**
   * Later batches take the new chain. Resolves when those in flight have left the old one, so that its runtimes can
   * be closed.
   */
  setChain(chain: RouterChain): Promise<void>;
  /** Takes no more batches and resolves when those in flight are in the outbox. */
  [Symbol.asyncDispose](): Promise<void>;
}

export function startRouter(options: RouterOptions): Router {
  const { log, clock, teamId } = options;
  const stop = new AbortController();
  const inFlight = new Set<Promise<void>>();
  const stepGate = createGate();
  let chain = options.chain;
  let gates = chain.stages.map(createGate);
  let changing = Promise.resolve();
  /** A batch did not reach the outbox: those after it must not either, and all are read again. */
  let broken = false;

  async function run(): Promise<void> {
    let cursor = await attempt(() => log.register("inbox", teamId, ROUTER, "earliest"));
    while (cursor !== undefined && !stop.signal.aborted) {
      if (broken) {
        await Promise.all(inFlight);
        await clock.sleep(AGAIN_MS, stop.signal);
        broken = false;
        cursor = await attempt(() => log.cursor("inbox", teamId, ROUTER));
        continue;
      }
      if (inFlight.size >= options.inFlight) {
        await Promise.race(inFlight);
        continue;
      }
      const after: Cursor = cursor;
      const records = await attempt(() => log.read("inbox", teamId, after, options));
      const last = records?.at(-1);
      if (records === undefined || last === undefined) {
        await attempt(() => waitForRecords(after));
        continue;
      }
      await changing;
      if (stop.signal.aborted) return;
      cursor = last.cursor;
      start(records, last.cursor);
    }
  }

  async function waitForRecords(after: Cursor): Promise<void> {
    try {
      await log.waitForRecords("inbox", teamId, after, stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  }

  function start(records: StoredRecord[], cursor: Cursor): void {
    const turns = gates.map((gate: Gate) => gate.takeTurn());
    const turn = stepGate.takeTurn();
    const done = passThrough(records, cursor, turns, turn).finally(() => {
      for (const each of [...turns, turn]) each.pass();
      inFlight.delete(done);
    });
    inFlight.add(done);
  }

  async function passThrough(records: StoredRecord[], cursor: Cursor, turns: Turn[], turn: Turn): Promise<void> {
    const { stages, anonymizeIps, deferred } = chain;
    try {
      const tap = options.observer?.tap(teamId, records) ?? null;
      const routed = await routeAroundSnapshots(stages, turns, records, tap);
      if (routed.survivors.length < records.length) options.observer?.dropped(teamId, records, routed.runs);
      tap?.done();
      if (routed.events.body.byteLength > LARGE_BYTES) await turn.mine;
      const { maxEventBytes = Infinity } = log;
      const outbox = await finishBatch(records, routed, { teamId, anonymizeIps, deferred: deferred(), maxEventBytes });
      await turn.mine;
      if (!broken) {
        broken = await attempt(() => log.step(teamId, ROUTER, cursor, outbox).then(() => true)) === undefined;
      }
    } catch (error) {
      // Only runtimes that are being closed refuse a batch.
      await turn.mine;
      broken = true;
      if (!stop.signal.aborted) options.onError(error);
    }
  }

  /**
   * Tries until it succeeds. Undefined when the router stops first, since what was not committed is read again at the
   * next start; and when the cursor is stale: then what is in flight is given up and read again from the committed
   * cursor.
   */
  async function attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (error instanceof StaleCursorError) {
          broken = true;
          return undefined;
        }
        options.onError(error);
        if (stop.signal.aborted) return undefined;
        await clock.sleep(RETRY_MS, stop.signal);
      }
    }
  }

  const running = run();
  return {
    setChain(next) {
      changing = changing.then(async () => {
        await Promise.all(inFlight);
        chain = next;
        gates = chain.stages.map(createGate);
      });
      return changing;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await Promise.all(inFlight);
    },
  };
}

/** `$snapshot` events pass no processEvent; they keep their place in the batch. */
async function routeAroundSnapshots(
  stages: Stage[],
  turns: Turn[],
  records: StoredRecord[],
  tap: RouteTap | null,
): Promise<RoutedBatch> {
  const encoded = encodeEvents(records, records.map(originOf));
  if (!mayHoldSnapshots(encoded.body)) return await routeBatch(stages, turns, encoded, tap);
  const texts = records.map((record) => record.event);
  const others = texts.flatMap((text, index) => isSnapshot(text) ? [] : [index]);
  const seen = tap && {
    stage: (...[plugins, survivors, ...rest]: Parameters<RouteTap["stage"]>) =>
      tap.stage(plugins, survivors.map((index) => others[index] as number), ...rest),
  };
  const rest = others.map((index) => records[index] as StoredRecord);
  const routed = await routeBatch(stages, turns, encodeEvents(rest, rest.map(originOf)), seen);
  const out = new Map(texts.flatMap((text, index) => isSnapshot(text) ? [[index, text] as const] : []));
  for (const [at, text] of decodeEvents(routed.events).entries()) {
    out.set(others[routed.survivors[at] as number] as number, text);
  }
  const survivors = [...out.keys()].sort((a, b) => a - b);
  return {
    survivors,
    events: encodeEvents(survivors.map((index) => ({ event: out.get(index) as Uint8Array }))),
    runs: routed.runs.map(({ plugin, outcomes }) => {
      const all = new Array<Outcome>(texts.length).fill(Outcome.skipped);
      for (const [at, outcome] of outcomes.entries()) all[others[at] as number] = outcome;
      return { plugin, outcomes: all };
    }),
  };
}

/**
 * The occasion is the record's place, and the time when the log took it: a log that was made anew has other records at
 * the same places.
 */
function originOf({ depth = 0, place, cursor, at }: StoredRecord): EventOrigin {
  return { depth, occasion: `${place ?? cursor}@${at}` };
}

/** As a string, since searching in bytes takes ten times as long. */
function mayHoldSnapshots(body: Uint8Array): boolean {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1").includes(SNAPSHOT);
}

function isSnapshot(text: Uint8Array): boolean {
  return (JSON.parse(new TextDecoder().decode(text)) as { event?: unknown }).event === "$snapshot";
}
