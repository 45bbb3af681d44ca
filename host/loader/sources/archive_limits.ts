/**
 * Limits what an archive may contain, whatever its headers claim: names that stay inside it, and sizes that a host can
 * handle.
 * @module
 */

import { SourceError } from "./plugin_source.ts";

export const MAX_ARCHIVE_BYTES = 128 * 1024 * 1024;
export const MAX_ENTRIES = 20_000;
/** Bytes of all kept files together. */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
/**
 * The highest compression ratio. Source text compresses to a fifth, long runs of JSON to a twentieth, a zip bomb to a
 * thousandth.
 */
const MAX_RATIO = 200;
/** The ratio of smaller archives is not limited. */
const RATIO_FROM_BYTES = 4 * 1024 * 1024;

/** The kept files by their path in the archive. */
export type ArchiveFiles = Map<string, Uint8Array>;

export function archiveError(label: string, found: string, options?: ErrorOptions): SourceError {
  return new SourceError(`Cannot read plugin archive ${label}: ${found}`, options);
}

/** Returns the entry's name after checking that it stays below the folder in which it would be unpacked. */
export function checkEntryName(label: string, name: string): string {
  const parts = name.split("/");
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name) || /[\\\0]/.test(name) || parts.includes("..")) {
    throw archiveError(label, `the entry ${JSON.stringify(name)} leads out of it`);
  }
  return parts.filter((part) => part !== "." && part !== "").join("/");
}

/** Links are not followed, and one that leads out of the archive makes the whole archive invalid. */
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

/** Counts the output of one archive. Each method throws when there is too much. */
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
    /** How many more bytes may come out. */
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
