/**
 * Keeps a plugin whose far side is down from turning everything that arrives into durable retries. When nothing but
 * RetryErrors comes back, the next batches wait in the log instead, where they cost nothing and use up no attempts.
 * @module
 */

import type { Clock } from "../clock.ts";
import { backoffMs } from "./backoff.ts";
import type { PluginResult } from "./sinks/plugin_call.ts";
import { TryLaterError } from "./sink.ts";

/** Batches in a row that were nothing but RetryErrors before the next one has to wait. */
const TOLERATED = 3;

export interface Restraint {
  /** Throws TryLaterError when it is not yet time for another batch. */
  require(): void;
  see(results: PluginResult[]): void;
}

export function createRestraint(clock: Clock): Restraint {
  let inARow = 0;
  let until = 0;
  let last = "";
  return {
    require() {
      const left = until - clock.now();
      if (left > 0) throw new TryLaterError(`Nothing but retries came back lately, last for: ${last}`, left);
    },
    see(results) {
      if (results.length === 0) return;
      if (!results.every(({ kind }) => kind === "retry")) {
        inARow = 0;
        return;
      }
      const [first] = results;
      if (first?.kind === "retry") last = `${first.error.name}: ${first.error.message}`;
      inARow++;
      if (inARow >= TOLERATED) until = clock.now() + backoffMs(inARow - TOLERATED + 1, Math.random);
    },
  };
}
