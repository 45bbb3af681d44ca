/**
 * Plugin configs that misbehaved in a shared cell, and therefore have a cell of their own for a day. This is kept in
 * the store, so that a restart does not bring them together again, and that hosts on one store agree.
 * @module
 */

import { z } from "zod";
import type { Settings } from "../store/store.ts";

const APART_MS = 24 * 60 * 60_000;
const KEY_PREFIX = "apart:";

const entrySchema = z.object({ reason: z.string(), until: z.number() });
type Entry = z.infer<typeof entrySchema>;

export interface Apart {
  /** Separates them from their neighbours for a day from now: at once, and in the store soon. */
  move(pluginConfigIds: readonly number[], reason: string): void;
  /** Why it is apart, in words; null if it is not. */
  reasonOf(pluginConfigId: number): string | null;
  /**
   * Allows it to share a cell again. Resolves with false when it was not apart. Rejects when this could not be stored:
   * then it is tried again, and `look` will tell.
   */
  release(pluginConfigId: number): Promise<boolean>;
  /**
   * Takes over what the store says, where other hosts write too, and forgets those whose day is over. Resolves with
   * true when others are apart now than before.
   */
  look(): Promise<boolean>;
  /** Resolves when everything before the call is in the store, or could not be stored. */
  flush(): Promise<void>;
}

export interface ApartOptions {
  store: Settings;
  now(): number;
  /** Called when plugins were added. */
  onMoved(): void;
  onError(error: unknown): void;
}

/** Resolves with those that an earlier run, or another host, moved. */
export async function openApart({ store, now, onMoved, onError }: ApartOptions): Promise<Apart> {
  let entries = new Map<number, Entry>();
  /** What the store does not have yet; null for those that it is to forget. */
  const unsaved = new Map<number, Entry | null>();
  /** Those whom the caller knows to be apart. */
  let told = "";
  /** Differs when something was changed or stored here meanwhile. */
  let turn = 0;
  let saving = Promise.resolve();

  function change(pluginConfigId: number, entry: Entry | null): void {
    turn++;
    unsaved.set(pluginConfigId, entry);
    if (entry === null) entries.delete(pluginConfigId);
    else entries.set(pluginConfigId, entry);
  }

  /** What cannot be stored is tried again with the next look. */
  async function save(): Promise<void> {
    for (const [id, entry] of [...unsaved]) {
      if (entry === null) await store.del(keyOf(id));
      else await store.set(keyOf(id), JSON.stringify(entry));
      turn++;
      if (unsaved.get(id) === entry) unsaved.delete(id);
    }
  }

  function saveInTurn(): Promise<void> {
    const saved = saving.then(save);
    saving = saved.catch(() => {});
    return saved;
  }

  function forgetOld(): void {
    for (const [id, { until }] of entries) {
      if (until <= now()) change(id, null);
    }
  }

  async function look(): Promise<boolean> {
    forgetOld();
    await saveInTurn();
    const seen = turn;
    const stored = await store.list(KEY_PREFIX);
    // What was read may be older than what happened here; the next look will tell.
    if (turn === seen) entries = new Map(Object.entries(stored).map(([key, text]) => [idOf(key), readEntry(text)]));
    forgetOld();
    return tell();
  }

  /** True when the caller does not know yet who is apart now. */
  function tell(): boolean {
    const before = told;
    told = [...entries.keys()].sort().join();
    return told !== before;
  }

  await look();
  return {
    move(pluginConfigIds, reason) {
      for (const id of pluginConfigIds) change(id, { reason, until: now() + APART_MS });
      saveInTurn().catch(onError);
      tell();
      onMoved();
    },
    reasonOf: (pluginConfigId) => entries.get(pluginConfigId)?.reason ?? null,
    async release(pluginConfigId) {
      if (!entries.has(pluginConfigId)) return false;
      change(pluginConfigId, null);
      await saveInTurn();
      tell();
      return true;
    },
    look,
    flush: () => saveInTurn().catch(onError),
  };
}

function keyOf(pluginConfigId: number): string {
  return KEY_PREFIX + pluginConfigId;
}

function idOf(key: string): number {
  return Number(key.slice(KEY_PREFIX.length));
}

function readEntry(text: string): Entry {
  return entrySchema.parse(JSON.parse(text));
}
