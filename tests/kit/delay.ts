/**
 * Real time.
 * @module
 */

/** Resolves after that many milliseconds. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
