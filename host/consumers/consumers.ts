/**
 * The consumers of the outbox, by id: started, replaced and ended as the configuration says, listed and steered by the
 * API.
 * @module
 */

import type { StoredRecord } from "../log/event_log.ts";
import { Consumer, type ConsumerServices, type ConsumerSpec, pausedKey } from "./consumer.ts";
import { type ConsumerControl, ConsumerControlError, type ConsumerStatus } from "./consumer_status.ts";
import { keepTrying } from "./keep_trying.ts";
import { type ConsumerRef, keepPlaces } from "./places.ts";
import { replayKey } from "./replay.ts";

/** What is wanted now. */
export interface ConsumerPlan {
  run: ConsumerSpec[];
  /**
   * Consumers that are not to run yet but must not miss anything either: their place in the log is kept, and taken
   * now if they have none. This is for plugins of which it is not known yet what they consume, because they are being
   * loaded or cannot be. The place is kept for a day at most, since one that never moves holds back retention until
   * the log is full.
   */
  reserve: ConsumerRef[];
}

export interface Consumers extends ConsumerControl, AsyncDisposable {
  /**
   * Carries out the plan: starts new consumers, replaces those with another revision (which continue where they
   * were), ends those that are gone and gives up their place in the log, so that retention no longer waits for them.
   * Plans are carried out one after the other.
   */
  apply(plan: ConsumerPlan): Promise<void>;
  /** Delivers one event to one consumer, outside the log's order. Rejects with why it was not taken. */
  redeliver(id: string, record: StoredRecord): Promise<void>;
  /** Takes over from the store which of them are paused or replaying, where other hosts write too. */
  takeOverChanges(): Promise<void>;
  /** Lets every consumer finish the batch at hand. Their places are kept. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What all keys of consumers begin with. */
const KEY_PREFIX = "consumer:";

const LOOK_FOR_IDLE_MS = 3_600_000;

export interface ConsumersOptions extends ConsumerServices {
  /** This host among those that use the same log; null, or absent, when it is the only one. */
  hostId?: string | null;
}

export function createConsumers(services: ConsumersOptions): Consumers {
  const { log, store, clock, hostId = null } = services;
  const places = { log, store, clock, hostId };
  const running = new Map<string, Consumer>();
  const closed = new AbortController();
  let reserved: ConsumerRef[] = [];
  let superseded = new AbortController();
  let noting: Promise<void> = Promise.resolve();
  let applying: Promise<void> = Promise.resolve();

  function apply(plan: ConsumerPlan): Promise<void> {
    return inTurn(() => applyNow(plan));
  }

  function inTurn(action: () => Promise<void>): Promise<void> {
    const done = applying.then(action);
    applying = done.catch(() => {});
    return done;
  }

  async function applyNow({ run, reserve }: ConsumerPlan): Promise<void> {
    if (closed.signal.aborted) return;
    const wanted = new Map(run.map((spec) => [spec.id, spec]));
    const replaced = [...running.values()].filter(({ spec }) => wanted.get(spec.id)?.revision !== spec.revision);
    await Promise.all(replaced.map(end));
    reserved = reserve;
    // What is in the log alone comes first, so that an outage of the store keeps no consumer from its place.
    await Promise.all([...run, ...reserve].map(({ id, project }) => log.register("outbox", project, id, "latest")));
    for (const spec of run) {
      if (!running.has(spec.id)) running.set(spec.id, new Consumer(spec, services));
    }
    superseded.abort();
    superseded = new AbortController();
    const { promise: tried, resolve } = Promise.withResolvers<void>();
    noting = noteWhenPossible(run, reserve, superseded.signal, resolve);
    await tried;
  }

  /** `tried` is told of the first try, whether it succeeded or not. */
  async function noteWhenPossible(
    run: ConsumerRef[],
    reserve: ConsumerRef[],
    signal: AbortSignal,
    tried: () => void,
  ): Promise<void> {
    const onError = (error: unknown) => {
      services.onError?.("consumers", error);
      tried();
    };
    await keepTrying(() => keepPlaces(run, reserve, places), { clock, signal, onError }).catch(() => {});
    tried();
  }

  async function releaseIdle(): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_FOR_IDLE_MS, closed.signal);
      if (closed.signal.aborted) return;
      const specs = () => Array.from(running.values(), ({ spec }) => spec);
      await inTurn(() => keepPlaces(specs(), reserved, places)).catch((error) =>
        services.onError?.("consumers", error)
      );
    }
  }

  async function end(consumer: Consumer): Promise<void> {
    running.delete(consumer.spec.id);
    await consumer[Symbol.asyncDispose]();
  }

  function required(id: string): Consumer {
    const consumer = running.get(id);
    if (consumer === undefined) throw new ConsumerControlError("unknown", `Cannot find a consumer with the id ${id}`);
    return consumer;
  }

  async function takeOverChanges(): Promise<void> {
    const seen = Array.from(running.values(), (consumer) => ({ consumer, changes: consumer.changes }));
    const stored = await store.settings.list(KEY_PREFIX);
    for (const { consumer, changes } of seen) {
      const { id } = consumer.spec;
      // What was read may be older than what happened here; the next look will tell.
      if (consumer.changes === changes) consumer.follow(stored[pausedKey(id)] ?? null, stored[replayKey(id)] ?? null);
    }
  }

  const releasing = releaseIdle();
  return {
    apply,
    takeOverChanges,
    list: () => Promise.all(Array.from(running.values(), (consumer) => consumer.status())),
    get: async (id): Promise<ConsumerStatus | null> => await running.get(id)?.status() ?? null,
    pause: async (id) => await required(id).pause(),
    resume: async (id) => await required(id).resume(),
    rewind: async (id, target) => await required(id).rewind(target),
    estimate: async (id, target) => await required(id).estimate(target),
    cancelReplay: async (id) => await required(id).cancelReplay(),
    skip: async (id) => await required(id).skip(),
    redeliver: async (id, record) => await required(id).redeliver(record),
    async [Symbol.asyncDispose]() {
      closed.abort();
      superseded.abort();
      await releasing;
      await noting;
      await applying;
      await Promise.all(Array.from(running.values(), end));
    },
  };
}
