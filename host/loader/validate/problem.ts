/**
 * Every message of `validate`, under a name that programs can rely on.
 * @module
 */

/** Something that is wrong with a plugin, or that its author may not have intended. */
export interface Problem {
  code: ProblemCode;
  severity: "error" | "warning";
  /** Path within the plugin. */
  file: string;
  /** Counted from 1. */
  line: number;
  column: number;
  message: string;
}

/** Errors keep a plugin from running; warnings do not. */
export const SEVERITIES = {
  "manifest-missing": "warning",
  "manifest-not-json": "error",
  "manifest-wrong": "error",
  "manifest-odd": "warning",
  "manifest-no-name": "warning",
  "manifest-misspelt": "warning",
  "manifest-no-key": "warning",
  "main-missing": "error",
  "entry-missing": "error",
  "entry-empty": "error",
  "entry-not-built": "error",
  "site-app": "error",
  "syntax": "error",
  "import-not-provided": "error",
  "import-to-bundle": "error",
  "import-no-file": "error",
  "import-computed": "error",
  "json-wrong": "error",
  "load-failed": "error",
  "exports-nothing": "error",
  "export-misspelt": "warning",
  "config-undeclared": "warning",
  "config-misspelt": "warning",
  "schedule-not-exported": "warning",
  "public-job-not-exported": "warning",
} as const satisfies Record<string, Problem["severity"]>;

export type ProblemCode = keyof typeof SEVERITIES;

export function problem(
  code: ProblemCode,
  file: string,
  place: { line: number; column: number } | null,
  message: string,
): Problem {
  return { code, severity: SEVERITIES[code], file, line: place?.line ?? 1, column: place?.column ?? 1, message };
}

/** The word that was probably meant: one or two letters away, or equal but for case, `_` and `-`. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[_\-\s]/g, "");
  let best: string | null = null;
  let least = Math.min(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = plain(word) === plain(candidate) ? 0 : editDistance(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** How many letters must be inserted, removed, replaced or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        next[j] = Math.min(next[j]!, before[j - 2]! + 1);
      }
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
