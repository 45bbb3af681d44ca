/// <reference lib="dom" />
/**
 * Work that may fail, and what went wrong with it the last time.
 * @module
 */

import { useState } from "preact/hooks";
import { wordsOf } from "./api.ts";

export interface Attempts {
  /** In words; "" when the last work succeeded. */
  problem: string;
  busy: boolean;
  attempt(work: () => Promise<void>): Promise<void>;
}

export function useAttempt(): Attempts {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  return {
    problem,
    busy,
    async attempt(work) {
      setBusy(true);
      try {
        await work();
        setProblem("");
      } catch (error) {
        setProblem(wordsOf(error));
      }
      setBusy(false);
    },
  };
}

/** For forms: the work instead of the browser's own sending. */
export function submitted(attempts: Attempts, work: () => Promise<void>): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    void attempts.attempt(work);
  };
}
