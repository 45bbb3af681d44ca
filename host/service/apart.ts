/**
 * Plugin configs that misbehaved in a shared cell, and therefore have a cell of their own for a day. This is kept in
 * memory: after a restart of the service all of them may share again.
 * @module
 */

const APART_MS = 24 * 60 * 60_000;

export interface Apart {
  /** Separates them from their neighbours for a day from now. */
  move(pluginConfigIds: readonly number[], reason: string): void;
  /** Why it is apart; null if it is not. */
  reasonOf(pluginConfigId: number): string | null;
  /** Allows it to share a cell again. False if it was not apart. */
  release(pluginConfigId: number): boolean;
  /** Forgets those whose day is over. True if there were any. */
  expire(): boolean;
}

export interface ApartOptions {
  now(): number;
  /** Called when plugin configs were added. */
  onMoved(): void;
}

export function createApart({ now, onMoved }: ApartOptions): Apart {
  const entries = new Map<number, { reason: string; until: number }>();
  return {
    move(pluginConfigIds, reason) {
      for (const id of pluginConfigIds) entries.set(id, { reason, until: now() + APART_MS });
      onMoved();
    },
    reasonOf: (pluginConfigId) => entries.get(pluginConfigId)?.reason ?? null,
    release: (pluginConfigId) => entries.delete(pluginConfigId),
    expire() {
      const over = [...entries].filter(([, { until }]) => until <= now());
      for (const [id] of over) entries.delete(id);
      return over.length > 0;
    },
  };
}
