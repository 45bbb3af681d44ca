/**
 * Waiting for something that happens by itself soon.
 * @module
 */

import assert from "node:assert/strict";

const GIVE_UP_MS = 60_000;

/** Resolves with the first value that is neither false nor undefined nor null. */
export async function eventually<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + GIVE_UP_MS; Date.now() < end;) {
    const value = await look();
    if (value !== false && value !== undefined && value !== null) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`Waited ${GIVE_UP_MS / 1000} s in vain until ${what}`);
}
