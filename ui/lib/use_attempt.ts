/// <reference lib="dom" />
/**
 * Runs work that may fail, and keeps the error of the last attempt.
 * @module
 */

import { useState } from "preact/hooks";
import { wordsOf } from "./api.ts";

export interface Attempts {
  /** The error message; "" if the last attempt succeeded. */
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

/** For forms: runs the work instead of the browser's own submission. */
export function submitted(attempts: Attempts, work: () => Promise<void>): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    void attempts.attempt(work);
  };
}
