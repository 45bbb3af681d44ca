/**
 * What an archive may hold, whatever its headers claim: names that stay inside, and sizes that a host can bear.
 * @module
 */

import { SourceError } from "./plugin_source.ts";

export const MAX_ARCHIVE_BYTES = 128 * 1024 * 1024;
export const MAX_ENTRIES = 20_000;
/** Of the files that are kept. */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
/** Source text shrinks to a fifth, long runs of JSON to a twentieth; a bomb to a thousandth. */
const MAX_RATIO = 200;
/** Small archives may be as dense as they like. */
const RATIO_FROM_BYTES = 4 * 1024 * 1024;

/** One kept file, by its path in the archive. */
export type ArchiveFiles = Map<string, Uint8Array>;

export function archiveError(label: string, found: string, options?: ErrorOptions): SourceError {
  return new SourceError(`Cannot read plugin archive ${label}: ${found}`, options);
}

/** The entry's name, once it is sure to stay below the folder it would be unpacked in. */
export function checkEntryName(label: string, name: string): string {
  const parts = name.split("/");
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name) || /[\\\0]/.test(name) || parts.includes("..")) {
    throw archiveError(label, `the entry ${JSON.stringify(name)} leads out of it`);
  }
  return parts.filter((part) => part !== "." && part !== "").join("/");
}

/** Links are not followed; one that would lead out of the archive is a reason to refuse all of it. */
export function checkLink(label: string, name: string, target: string): void {
  let depth = name.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0) break;
  }
  if (depth < 0 || target.startsWith("/") || /^[A-Za-z]:|\\/.test(target)) {
    throw archiveError(label, `the link ${JSON.stringify(name)} leads out of it, to ${JSON.stringify(target)}`);
  }
}

/** Counts what comes out of one archive; each method throws when there is too much. */
export function createUnpackBudget(label: string, archiveBytes: number) {
  let entries = 0;
  let unpacked = 0;
  const most = Math.min(MAX_UNPACKED_BYTES, Math.max(RATIO_FROM_BYTES, archiveBytes * MAX_RATIO));
  if (archiveBytes > MAX_ARCHIVE_BYTES) {
    throw archiveError(label, `it has ${archiveBytes} bytes, at most ${MAX_ARCHIVE_BYTES} are accepted`);
  }
  return {
    entry(): void {
      if (++entries > MAX_ENTRIES) throw archiveError(label, `it has more than ${MAX_ENTRIES} entries`);
    },
    /** What may still come out. */
    left: () => most - unpacked,
    spend(bytes: number): void {
      unpacked += bytes;
      if (unpacked > most) {
        throw archiveError(label, `its ${archiveBytes} bytes unpack to more than ${most}, expected a plugin's code`);
      }
    },
  };
}

export type UnpackBudget = ReturnType<typeof createUnpackBudget>;
