/**
 * Decides between starting a plugin again and giving it up: three incidents of one kind in ten minutes are enough.
 *
 * An incident is one event or call that ended the cell, however many attempts it took to know that; or an end that nothing in flight can
 * be blamed for. A cell that outgrows its memory little by little and does its work in between is not one: it is started again as
 * often as it takes, since giving it up would lose more than the restarts cost.
 * @module
 */

import type { CellEnd, CellEndKind } from "../process/cell_end.ts";

const INCIDENTS = 3;
const WITHIN_MS = 10 * 60_000;

/** Waits before a restart after 0, 1, 2, … ends in a row without any work done. The first is at once. */
const BACKOFF_MS = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000] as const;

export interface DeathLedger {
  /** The reason to disable the plugin; null to go on. */
  incident(end: CellEnd): string | null;
  /** A cell ended; how long to wait before the next is started. */
  ended(didWork: boolean): number;
  /** Nothing that was counted counts any more. */
  forget(): void;
}

export function createDeathLedger(now: () => number): DeathLedger {
  let incidents: { at: number; kind: CellEndKind }[] = [];
  let fruitless = 0;
  return {
    incident({ kind, words }) {
      const at = now();
      incidents = incidents.filter((incident) => at - incident.at < WITHIN_MS);
      incidents.push({ at, kind });
      if (incidents.filter((incident) => incident.kind === kind).length < INCIDENTS) return null;
      return `stopped: ${words}, ${INCIDENTS} times in ${WITHIN_MS / 60_000} minutes`;
    },
    ended(didWork) {
      fruitless = didWork ? 0 : fruitless + 1;
      return BACKOFF_MS[Math.min(Math.max(fruitless - 1, 0), BACKOFF_MS.length - 1)] as number;
    },
    forget() {
      incidents = [];
      fruitless = 0;
    },
  };
}
