/**
 * A finding of `hogpen doctor`, printed as one line.
 * @module
 */

export interface Finding {
  /** `wrong` needs someone to act; `note` is worth knowing. */
  state: "ok" | "note" | "wrong";
  /** What was checked, and the result. */
  words: string;
}

export const ok = (words: string): Finding => ({ state: "ok", words });
export const note = (words: string): Finding => ({ state: "note", words });
export const wrong = (words: string): Finding => ({ state: "wrong", words });
