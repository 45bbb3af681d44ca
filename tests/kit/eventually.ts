/**
 * Waiting for something that happens by itself soon.
 * @module
 */

import assert from "node:assert/strict";

const GIVE_UP_MS = 60_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/** Resolves with the first value that is neither false nor undefined nor null. */
export async function eventually<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const start = Date.now();
  while (Date.now() < start + GIVE_UP_MS) {
    const value = await look();
    if (value !== false && value !== undefined && value !== null) return value;
    // A look may cost as much as what is waited for, so pauses are a tenth of the wait so far.
    const pause = Math.min(Math.max((Date.now() - start) / 10, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  assert.fail(`Waited ${GIVE_UP_MS / 1000} s in vain until ${what}`);
}
