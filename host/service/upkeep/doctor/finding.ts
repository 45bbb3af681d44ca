/**
 * What `hogpen doctor` finds, a line each.
 * @module
 */

export interface Finding {
  /** `wrong` needs a person; `note` is worth knowing. */
  state: "ok" | "note" | "wrong";
  /** What was looked at, and what was found. */
  words: string;
}

export const ok = (words: string): Finding => ({ state: "ok", words });
export const note = (words: string): Finding => ({ state: "note", words });
export const wrong = (words: string): Finding => ({ state: "wrong", words });
