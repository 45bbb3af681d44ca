/**
 * Admits a plugin's calls in order and at their rate. A call waits for its turn, and is refused when that would take
 * too long or when too many are waiting.
 * @module
 */

import { sizeOf } from "../check_arguments.ts";
import type { RateLimits } from "./service_limits.ts";
import { createTokenBucket } from "../../token_bucket.ts";

/**
 * Characters of answers per second, and in a burst. Reading costs the host less than writing, but a plugin that
 * requests long texts faster than it processes them would fill the memory.
 */
const ANSWER_CHARS = 32 * 1024 * 1024;

/** Thrown to the plugin when a limit applies. */
export class ServiceLimitError extends Error {
  override name = "ServiceLimitError";
}

export interface FloodGuard {
  /**
   * Runs the call in its turn. `chars` is the size of its arguments in characters; texts in the answer count for later
   * calls. Rejects with ServiceLimitError when it is refused.
   */
  run<T>(chars: number, call: () => Promise<T>): Promise<T>;
}

export interface FloodGuardOptions {
  /** How messages name what is limited. */
  what: string;
  limits: RateLimits;
  maxWaitMs: number;
  now: () => number;
  /** Called for each refused call. */
  onRefused: (message: string) => void;
}

export function createFloodGuard({ what, limits, maxWaitMs, now, onRefused }: FloodGuardOptions): FloodGuard {
  const calls = createTokenBucket(limits.callsPerSecond, limits.callsBurst, now);
  const chars = createTokenBucket(limits.charsPerSecond, limits.charsBurst, now);
  const answers = createTokenBucket(ANSWER_CHARS, ANSWER_CHARS, now);
  let outstanding = 0;
  /**
   * How many calls wait, and when the last of them has its turn. No call may overtake another, or a `get` would not see
   * the `set` before it.
   */
  let waiting = 0;
  let lastStart = 0;
  let lastTurn = Promise.resolve();

  async function takeTurn(before: Promise<void>, startAt: number): Promise<void> {
    await before;
    const left = startAt - now();
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  }

  function refuse(reason: string): ServiceLimitError {
    const message = `Cannot call ${what}: ${reason}`;
    onRefused(message);
    return new ServiceLimitError(message);
  }

  async function run<T>(size: number, call: () => Promise<T>): Promise<T> {
    if (outstanding >= limits.outstanding) {
      throw refuse(`${limits.outstanding} calls of this plugin are waiting for an answer; await some of them first`);
    }
    const wait = Math.max(calls.waitFor(1), chars.waitFor(size), answers.waitFor(0), lastStart - now());
    if (wait > maxWaitMs) {
      throw refuse(
        `this plugin may make ${limits.callsPerSecond} calls and send ${limits.charsPerSecond} characters a second, and is ${
          Math.ceil(wait / 1000)
        } seconds ahead of that`,
      );
    }
    calls.take(1);
    chars.take(size);
    outstanding++;
    try {
      if (wait > 0 || waiting > 0) {
        waiting++;
        lastStart = now() + Math.max(0, wait);
        lastTurn = takeTurn(lastTurn, lastStart);
        await lastTurn;
        waiting--;
      }
      const answer = await call();
      if (typeof answer === "string" || Array.isArray(answer)) answers.take(sizeOf([answer]));
      return answer;
    } finally {
      outstanding--;
    }
  }

  return { run };
}
