/**
 * One consumer of the outbox. It has a cursor of its own, which moves only when everything before it is safe at the
 * far side or among the dead letters.
 * @module
 */

import type { Clock } from "../clock.ts";
import {
  type Cursor,
  type Direction,
  type EventCount,
  type EventLog,
  StaleCursorError,
  type StoredRecord,
} from "../log/event_log.ts";
import type { Store } from "../store/store.ts";
import { backoffMs } from "./backoff.ts";
import { type CollectedBatch, type Collector, createCollector } from "./collect_batch.ts";
import type { ConsumerMeter } from "./consumer_meter.ts";
import { ConsumerControlError, type ConsumerState, type ConsumerStatus, type RewindTarget } from "./consumer_status.ts";
import { keepTrying } from "./keep_trying.ts";
import { createReplay, type Replay } from "./replay.ts";
import { type Batching, type EventFilter, PauseError, type Rejection, type Sink, TryLaterError } from "./sink.ts";

/** What a consumer does, as opposed to the services it does it with. */
export interface ConsumerSpec {
  id: string;
  project: number;
  /** A running consumer is replaced when this changes. */
  revision: string;
  /** Made when the consumer starts, disposed of when it ends. */
  openSink(): Sink;
  batching: Batching;
  filter?: EventFilter;
  /** What an event counts against `batching.maxBytes`; its own bytes by default. */
  measure?(event: Uint8Array): number;
}

export interface ConsumerServices {
  log: EventLog;
  store: Pick<Store, "deadLetters" | "settings">;
  clock: Clock;
  meter?: ConsumerMeter;
  /** From 0 to 1; for backoff. */
  random?: () => number;
  /** How long a stop waits for the delivery in flight. */
  drainMs?: number;
  /** Told of every failed delivery and every outage of the log or the store. */
  onError?(id: string, error: unknown): void;
}

export const DEFAULT_DRAIN_MS = 10_000;

/** The reason given to a sink whose delivery is abandoned because the consumer was sent somewhere else, or ends. */
class InterruptedError extends Error {
  override name = "InterruptedError";
}

/**
 *     starting ──▶ running ⇄ waiting        waiting: the same batch is delivered again after a pause
 *                   │  ▲      │
 *                   ▼  │      │
 *                  paused ◀───┘             any ──▶ stopped
 */
export class Consumer implements AsyncDisposable {
  readonly spec: ConsumerSpec;
  readonly #services: ConsumerServices;
  readonly #collector: Collector;
  readonly #sink: Sink;
  readonly #replay: Replay;
  readonly #done: Promise<void>;
  /** Take no more, finish what is there. */
  readonly #drain = new AbortController();
  /** Give up everything. */
  readonly #kill = new AbortController();
  /** Ends the waits between deliveries. */
  #wake = new AbortController();
  /** Ends the delivery in flight. */
  #interrupt = new AbortController();
  /** Work for the loop, done between two batches. */
  #errands: (() => Promise<void>)[] = [];
  #state: ConsumerState = "starting";
  /** Why it is paused: "" when an operator did it; null while it is not. */
  #pausedFor: string | null = null;
  /** Differs when it was paused, resumed or moved here meanwhile. */
  changes = 0;
  #cursor: Cursor = "";
  #delivered = 0;
  #threw = 0;
  #rejected = 0;
  #lastError: ConsumerStatus["lastError"] = null;
  #nextAttemptAt: number | null = null;

  constructor(spec: ConsumerSpec, services: ConsumerServices) {
    this.spec = spec;
    this.#services = services;
    this.#collector = createCollector({ ...spec, log: services.log, clock: services.clock });
    this.#sink = spec.openSink();
    this.#replay = createReplay(spec.id, spec.project, services);
    this.#done = this.#run();
  }

  async status(): Promise<ConsumerStatus> {
    const { id, project } = this.spec;
    const { log } = this.#services;
    const cursor = this.#state === "starting" ? await log.cursor("outbox", project, id) : this.#cursor;
    return {
      id,
      project,
      state: this.#pausedFor !== null && this.#state !== "stopped" ? "paused" : this.#state,
      cursor,
      lag: await log.lag("outbox", project, cursor),
      delivered: this.#delivered,
      threw: this.#threw,
      rejected: this.#rejected,
      lastError: this.#lastError,
      pausedFor: this.#pausedFor,
      nextAttemptAt: this.#state === "waiting" ? this.#nextAttemptAt : null,
      replay: await this.#replay.progress(cursor),
    };
  }

  /** The delivery in flight is finished. */
  async pause(reason = ""): Promise<void> {
    await this.#setPause(reason, () => this.#services.store.settings.set(pausedKey(this.spec.id), reason));
  }

  async resume(): Promise<void> {
    await this.#setPause(null, () => this.#services.store.settings.del(pausedKey(this.spec.id)));
  }

  async #setPause(reason: string | null, store: () => Promise<void>): Promise<void> {
    await this.#change(async () => {
      await store();
      this.#pausedFor = reason;
    });
    this.#wakeUp();
  }

  async #change(action: () => Promise<void>): Promise<void> {
    this.changes++;
    try {
      await action();
    } finally {
      this.changes++;
    }
  }

  /** Another host paused it for this reason, or resumed it (null), and began this replay, or ended one (null). */
  follow(pausedFor: string | null, replay: string | null): void {
    if (this.#state === "starting") return;
    this.#replay.follow(replay);
    if (this.#pausedFor === pausedFor) return;
    this.#pausedFor = pausedFor;
    this.#wakeUp();
  }

  /** Gives up the delivery in flight, if there is one, and goes on from the target. */
  rewind(target: RewindTarget): Promise<void> {
    const done = this.#errand(() =>
      this.#change(async () => await this.#move("back", await this.#replay.begin(target)))
    );
    this.#interrupt.abort(new InterruptedError(`Consumer ${this.spec.id} was sent back`));
    return done;
  }

  /** Events between the target and the end of the log. */
  async estimate(target: RewindTarget): Promise<EventCount> {
    const { log } = this.#services;
    const { project } = this.spec;
    const to = "time" in target ? await log.cursorAt("outbox", project, target.time) : target.cursor;
    return await log.count("outbox", project, to);
  }

  /** Goes to where the rewind would have ended. */
  async cancelReplay(): Promise<void> {
    await this.#endOfReplay();
    await this.#goAhead(() => this.#endOfReplay());
  }

  async #endOfReplay(): Promise<Cursor> {
    const end = await this.#replay.end();
    if (end !== null) return end;
    throw new ConsumerControlError("conflict", `Cannot end a replay of ${this.spec.id}: there is none`);
  }

  /** Gives up the delivery in flight and everything before the end of the log. */
  async skip(): Promise<EventCount> {
    const { log, clock } = this.#services;
    const { project } = this.spec;
    const before = await log.count("outbox", project, await log.position("outbox", project, this.spec.id));
    const end = await log.cursorAt("outbox", project, clock.now() + 1);
    await this.#goAhead(() => Promise.resolve(end));
    return before;
  }

  /** Past the end of any replay. */
  #goAhead(to: () => Promise<Cursor>): Promise<void> {
    const done = this.#errand(() =>
      this.#change(async () => {
        await this.#move("ahead", await to());
        await this.#replay.forget();
      })
    );
    this.#interrupt.abort(new InterruptedError(`Consumer ${this.spec.id} was sent ahead`));
    return done;
  }

  async #move(direction: Direction, to: Cursor): Promise<void> {
    this.#cursor = await this.#services.log.move("outbox", this.spec.project, this.spec.id, direction, to);
  }

  /**
   * Delivers one event outside the log's order, marked by the cursor "". Resolves when the sink has it; rejects with
   * the reason why it does not.
   */
  async redeliver(record: StoredRecord): Promise<void> {
    if (this.#pausedFor !== null || this.#state !== "running") {
      const state = this.#pausedFor !== null ? "paused" : this.#state;
      throw new ConsumerControlError("conflict", `Cannot deliver to ${this.spec.id}: it is ${state}, not running`);
    }
    await this.#errand(async () => {
      const [rejection] = await this.#sink.deliver([{ ...record, cursor: "" }], this.#interrupt.signal);
      if (rejection !== undefined) throw new ConsumerControlError("invalid", rejection.reason);
      this.#delivered++;
    });
  }

  /** Finishes the batch at hand, within the services' `drainMs`. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock, drainMs = DEFAULT_DRAIN_MS } = this.#services;
    this.#drain.abort();
    const over = new AbortController();
    await Promise.race([this.#done, clock.sleep(drainMs, over.signal)]);
    over.abort();
    const reason = new InterruptedError(`Consumer ${this.spec.id} was stopped`);
    this.#kill.abort(reason);
    this.#interrupt.abort(reason);
    // A sink that ignores its signal is abandoned: its far side ends with the service, and nothing more is committed.
    await Promise.race([this.#done, new Promise((resolve) => setTimeout(resolve, 0))]);
    await this.#sink[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    try {
      await this.#start();
      while (!this.#drain.signal.aborted) await this.#turn();
    } catch (error) {
      if (!this.#kill.signal.aborted && !this.#drain.signal.aborted) throw error;
    } finally {
      this.#state = "stopped";
      await this.#runErrands();
    }
  }

  async #start(): Promise<void> {
    const { log, store } = this.#services;
    const { id, project } = this.spec;
    const paused = await this.#certainly(() => store.settings.get(pausedKey(id)), this.#drain.signal);
    this.#pausedFor ??= paused;
    await this.#certainly(() => this.#replay.restore(), this.#drain.signal);
    this.#cursor = await this.#certainly(() => log.register("outbox", project, id, "latest"), this.#drain.signal);
    this.#state = "running";
  }

  /** Delivers one batch, or as much of it as is possible before something else is wanted. */
  async #turn(): Promise<void> {
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
    if (this.#interrupt.signal.aborted) this.#interrupt = new AbortController();
    await this.#runErrands();
    if (this.#drain.signal.aborted) return;
    if (this.#pausedFor !== null) {
      await aborted(AbortSignal.any([this.#wake.signal, this.#drain.signal]));
      return;
    }
    const batch = await this.#collect();
    if (batch === null) return;
    if (batch.records.length > 0 && !await this.#deliver(batch)) return;
    // If the consumer was rewound meanwhile, what was just delivered is committed all the same, and then left behind.
    const { project, id } = this.spec;
    const { log } = this.#services;
    const committed = await this.#certainly(
      () => unlessStale(log.commit("outbox", project, id, batch.end)),
      this.#kill.signal,
    );
    if (committed === STALE) return await this.#reload();
    this.#cursor = batch.end;
  }

  /**
   * What was read no longer belongs to this host, or another host moved the consumer's place: continue from what is
   * committed.
   */
  async #reload(): Promise<void> {
    const { project, id } = this.spec;
    const { log } = this.#services;
    this.#cursor = await this.#certainly(() => log.cursor("outbox", project, id), this.#drain.signal);
  }

  async #collect(): Promise<CollectedBatch | null> {
    const signals = { wake: this.#wake.signal, hurry: this.#drain.signal };
    const waits = AbortSignal.any([signals.wake, signals.hurry]);
    try {
      const batch = await keepTrying(() => unlessStale(this.#collector.next(this.#cursor, signals)), {
        clock: this.#services.clock,
        signal: waits,
        onError: (error) => this.#failed(error),
      });
      if (batch !== STALE) return batch;
      await this.#reload();
      return null;
    } catch (error) {
      if (waits.aborted) return null;
      throw error;
    }
  }

  /** False when given up for a rewind, a pause or the end; the batch is then read again later. */
  async #deliver({ records }: CollectedBatch): Promise<boolean> {
    for (let failures = 1;; failures++) {
      try {
        const rejections = await this.#attempt(records);
        if (this.#kill.signal.aborted) return false;
        await this.#bury(records, rejections.filter(({ threw }) => !threw));
        const threw = rejections.filter((rejection) => rejection.threw).length;
        this.#threw += threw;
        if (threw > 0) this.#services.meter?.threw(this.spec.id, this.spec.project, threw);
        const taken = records.length - rejections.length;
        this.#delivered += taken;
        if (taken > 0) this.#countDelivered(records, rejections);
        this.#lastError = null;
        return true;
      } catch (error) {
        if (this.#interrupt.signal.aborted) return false;
        this.#services.meter?.failed(this.spec.id, this.spec.project);
        this.#failed(error);
        if (error instanceof PauseError) {
          await this.#certainly(() => this.pause(error.message), this.#drain.signal);
          return false;
        }
        if (!await this.#backOff(failures, error)) return false;
      }
    }
  }

  async #attempt(records: StoredRecord[]): Promise<Rejection[]> {
    const start = performance.now();
    try {
      return await this.#sink.deliver(records, this.#interrupt.signal);
    } finally {
      if (!this.#interrupt.signal.aborted) {
        this.#services.meter?.attempted(this.spec.id, this.spec.project, performance.now() - start);
      }
    }
  }

  #countDelivered(records: StoredRecord[], rejections: Rejection[]): void {
    const { meter, clock } = this.#services;
    if (meter === undefined) return;
    const rejected = new Set(rejections.map(({ index }) => index));
    const taken = rejected.size === 0 ? records : records.filter((_, index) => !rejected.has(index));
    const now = clock.now();
    meter.delivered(this.spec.id, this.spec.project, taken.length, bytesOf(taken), taken.map(({ at }) => now - at));
  }

  /** False when the consumer is to do something else than deliver the batch again. */
  async #backOff(failures: number, error: unknown): Promise<boolean> {
    const { clock, random = Math.random } = this.#services;
    const named = error instanceof TryLaterError ? error.retryAfterMs : undefined;
    const delay = backoffMs(failures, random, named);
    this.#nextAttemptAt = clock.now() + delay;
    this.#state = "waiting";
    await clock.sleep(delay, AbortSignal.any([this.#wake.signal, this.#drain.signal]));
    this.#state = "running";
    return !this.#drain.signal.aborted && !this.#wake.signal.aborted;
  }

  async #bury(records: StoredRecord[], rejections: Rejection[]): Promise<void> {
    if (rejections.length === 0) return;
    const { project: teamId, id: consumer } = this.spec;
    const letters = rejections.flatMap(({ index, reason }) => {
      const record = records[index];
      return record ? [{ teamId, consumer, reason, event: new TextDecoder().decode(record.event) }] : [];
    });
    await this.#certainly(() => this.#services.store.deadLetters.add(letters), this.#kill.signal);
    this.#rejected += letters.length;
    this.#services.meter?.rejected(consumer, teamId, letters.length);
  }

  #errand(action: () => Promise<void>): Promise<void> {
    if (this.#state === "stopped") {
      return Promise.reject(new ConsumerControlError("conflict", `Cannot change ${this.spec.id}: it is stopped`));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#errands.push(() => action().then(resolve, reject));
    this.#wakeUp();
    return promise;
  }

  async #runErrands(): Promise<void> {
    while (this.#errands.length > 0) await this.#errands.shift()?.();
  }

  #certainly<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return keepTrying(action, { clock: this.#services.clock, signal, onError: (error) => this.#failed(error) });
  }

  #failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#lastError = { at: this.#services.clock.now(), message };
    this.#services.onError?.(this.spec.id, error);
  }

  #wakeUp(): void {
    this.#wake.abort();
  }
}

const STALE = Symbol("stale");

/** A stale cursor is no failure: to try again would not help. */
async function unlessStale<T>(result: Promise<T>): Promise<T | typeof STALE> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof StaleCursorError) return STALE;
    throw error;
  }
}

export function pausedKey(id: string): string {
  return `consumer:${id}:paused`;
}

function bytesOf(records: StoredRecord[]): number {
  return records.reduce((sum, { event }) => sum + event.byteLength, 0);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
