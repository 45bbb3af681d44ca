/**
 * Plugin configs that misbehaved in a cell that they shared, and have one of their own for a day. Kept in memory: when the service starts
 * anew, all begin together.
 * @module
 */

const APART_MS = 24 * 60 * 60_000;

export interface Apart {
  /** Takes them apart from their neighbours for a day from now. */
  move(pluginConfigIds: readonly number[], reason: string): void;
  /** Why it is apart, in words; null when it is not. */
  reasonOf(pluginConfigId: number): string | null;
  /** Lets it share again. False when it was not apart. */
  release(pluginConfigId: number): boolean;
  /** Forgets those whose day is over. True when there were some. */
  expire(): boolean;
}

export interface ApartOptions {
  now(): number;
  /** Called when plugins were added. */
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
