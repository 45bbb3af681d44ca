/**
 * Times to live: plugins give seconds, possibly fractional, both caches count milliseconds.
 * @module
 */

/** Whole milliseconds; what is no number stays none and is refused like Redis does. */
export function milliseconds(seconds: number): number {
  return Math.ceil(seconds * 1000);
}
