/**
 * Decides whether a plugin is started again or given up: three incidents of one kind within ten minutes are enough to
 * give it up.
 *
 * An incident is one event or call that ended the cell, however many attempts it took to find that out, or an end
 * that nothing in flight can be blamed for. A cell that slowly outgrows its memory while it does its work is not an
 * incident: it is restarted as often as necessary, since giving the plugin up would lose more than the restarts cost.
 * @module
 */

import type { CellEnd, CellEndKind } from "../process/cell_end.ts";

const INCIDENTS = 3;
const WITHIN_MS = 10 * 60_000;

/** Waits before a restart after 0, 1, 2, … ends in a row without any work done. The first restart is immediate. */
const BACKOFF_MS = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000] as const;

export interface DeathLedger {
  /** The reason to disable the plugin; null to go on. */
  incident(end: CellEnd): string | null;
  /** A cell ended; how long to wait before the next is started. */
  ended(didWork: boolean): number;
  /** Forgets everything counted so far. */
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
