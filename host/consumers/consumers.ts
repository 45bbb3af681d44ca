/**
 * The consumers of the outbox, by id: started, replaced and ended as the configuration says, listed and steered by the
 * API.
 * @module
 */

import { z } from "zod";
import type { StoredRecord } from "../log/event_log.ts";
import { Consumer, type ConsumerServices, type ConsumerSpec, pausedKey } from "./consumer.ts";
import { type ConsumerControl, ConsumerControlError, type ConsumerStatus } from "./consumer_status.ts";
import { keepTrying } from "./keep_trying.ts";
import { replayKey } from "./replay.ts";

export interface ConsumerRef {
  id: string;
  project: number;
}

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
  /** Takes over from the store which of them are paused, where other hosts write too. */
  takeOverPauses(): Promise<void>;
  /** Lets every consumer finish the batch at hand. Their places are kept. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Which consumers hold a place in the log: the log does not list its readers. */
const KNOWN_KEY = "consumers";
/** `idleSince`: since when it has only been reserved; null for one that runs. */
const knownSchema = z.array(z.object({ id: z.string(), project: z.number(), idleSince: z.number().nullable() }));
type Known = z.infer<typeof knownSchema>[number];

/** What all keys of consumers begin with. */
const KEY_PREFIX = "consumer:";

const RESERVE_MS = 24 * 3_600_000;
const LOOK_FOR_IDLE_MS = 3_600_000;

export function createConsumers(services: ConsumerServices): Consumers {
  const { log, store, clock } = services;
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
    await keepTrying(() => keepPlaces(run, reserve), { clock, signal, onError }).catch(() => {});
    tried();
  }

  /** Notes whose places there are, and gives up those that nobody wants, before it forgets who had them. */
  async function keepPlaces(run: ConsumerRef[], reserve: ConsumerRef[]): Promise<void> {
    const now = clock.now();
    const text = await store.settings.get(KNOWN_KEY);
    const known = text === null ? [] : knownSchema.parse(JSON.parse(text));
    const find = (ref: ConsumerRef) => known.find(({ id, project }) => id === ref.id && project === ref.project);
    const wanted: Known[] = [
      ...run.map(({ id, project }) => ({ id, project, idleSince: null })),
      ...reserve.map(({ id, project }) => ({ id, project, idleSince: find({ id, project })?.idleSince ?? now })),
    ];
    const held = wanted.filter(({ idleSince }) => idleSince === null || now - idleSince < RESERVE_MS);
    const isHeld = (ref: ConsumerRef) => held.some(({ id, project }) => id === ref.id && project === ref.project);
    const released = known.filter((ref) => !isHeld(ref));
    await remember([...wanted, ...released], text);
    for (const { id, project } of held) await log.register("outbox", project, id, "latest");
    for (const { id, project } of released) {
      await log.forget("outbox", project, id);
      if (wanted.some((ref) => ref.id === id && ref.project === project)) continue;
      await store.settings.del(pausedKey(id));
      await store.settings.del(replayKey(id));
    }
    await remember(wanted, null);
  }

  async function remember(known: Known[], before: string | null): Promise<void> {
    const byName = new Map(known.map((ref) => [`${ref.project} ${ref.id}`, ref]));
    const text = JSON.stringify([...byName.values()]);
    if (text !== before) await store.settings.set(KNOWN_KEY, text);
  }

  async function releaseIdle(): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_FOR_IDLE_MS, closed.signal);
      if (closed.signal.aborted) return;
      const specs = () => Array.from(running.values(), ({ spec }) => spec);
      await inTurn(() => keepPlaces(specs(), reserved)).catch((error) => services.onError?.("consumers", error));
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

  async function takeOverPauses(): Promise<void> {
    const seen = Array.from(running.values(), (consumer) => ({ consumer, pauses: consumer.pauses }));
    const stored = await store.settings.list(KEY_PREFIX);
    for (const { consumer, pauses } of seen) {
      // What was read may be older than what happened here; the next look will tell.
      if (consumer.pauses === pauses) consumer.follow(stored[pausedKey(consumer.spec.id)] ?? null);
    }
  }

  const releasing = releaseIdle();
  return {
    apply,
    takeOverPauses,
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
