/**
 * Collects failures by fingerprint and stores them together, because a plugin may fail for every single event.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import type { Problem, Problems } from "../store/observed.ts";
import { fingerprintOf } from "./fingerprint.ts";

export interface ProblemWriter {
  error(pluginConfigId: number, teamId: number, place: string, error: ErrorRecord, event?: () => string): void;
  /** Records that something was refused, or not accepted as it was sent. */
  warning(teamId: number, code: string, detail: string): void;
  flush(): Promise<void>;
}

/** The most kinds of failure between two writes. */
const MOST_WAITING = 1000;
const MOST_KNOWN = 5000;
const MAX_SAMPLE = 64 * 1024;
const MAX_TEXT = 8 * 1024;
/** The most kinds of failure that are stored. */
const KEEP = 10_000;
const KEEP_MS = 30 * 24 * 3_600_000;
const PRUNE_EVERY_MS = 600_000;

export function createProblemWriter(
  store: Problems,
  now: () => number,
  onError: (message: string) => void,
): ProblemWriter {
  const waiting = new Map<string, Problem>();
  /** The fingerprints of recent messages. Computing one takes much longer than counting a failure. */
  const known = new Map<string, string>();
  let prunedAt = -Infinity;
  let writing = Promise.resolve();

  function note(
    kind: Problem["kind"],
    { pluginConfigId, teamId, place }: Pick<Problem, "pluginConfigId" | "teamId" | "place">,
    error: ErrorRecord,
    event?: () => string,
  ): void {
    const owner = kind === "error" ? pluginConfigId : teamId;
    const raw = `${kind} ${owner} ${place} ${error.name} ${error.message} ${error.stack ?? ""}`;
    let fingerprint = known.get(raw);
    if (fingerprint === undefined) {
      fingerprint = fingerprintOf(kind, owner, place, error);
      if (known.size >= MOST_KNOWN) known.clear();
      if (raw.length <= MAX_TEXT) known.set(raw, fingerprint);
    }
    const at = now();
    const same = waiting.get(fingerprint);
    if (same !== undefined) {
      same.count++;
      same.lastAt = at;
      return;
    }
    if (waiting.size >= MOST_WAITING) return;
    const message = error.name === "" || kind === "warning" ? error.message : `${error.name}: ${error.message}`;
    waiting.set(fingerprint, {
      fingerprint,
      kind,
      teamId,
      pluginConfigId,
      place,
      message: message.slice(0, MAX_TEXT),
      stack: error.stack?.slice(0, MAX_TEXT) ?? null,
      sample: sampleOf(event),
      count: 1,
      firstAt: at,
      lastAt: at,
    });
  }

  async function write(): Promise<void> {
    const problems = [...waiting.values()];
    waiting.clear();
    try {
      if (problems.length > 0) await store.add(problems);
      if (now() - prunedAt < PRUNE_EVERY_MS) return;
      prunedAt = now();
      await store.prune(KEEP, now() - KEEP_MS);
    } catch (error) {
      onError(`Cannot store ${problems.length} kinds of failures: ${error}`);
    }
  }

  return {
    error: (pluginConfigId, teamId, place, error, event) =>
      note("error", { pluginConfigId, teamId, place }, error, event),
    warning: (teamId, code, detail) =>
      note("warning", { pluginConfigId: 0, teamId, place: code }, { name: code, message: detail, retry: false }),
    flush: () => writing = writing.then(write),
  };
}

function sampleOf(event: (() => string) | undefined): string | null {
  const text = event?.() ?? null;
  return text !== null && text.length <= MAX_SAMPLE ? text : null;
}
