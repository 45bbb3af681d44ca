/**
 * The city database behind `geoip.locate`: a MaxMind file chosen by the operator, held in memory and read again when it
 * changes.
 * @module
 */

import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { AddressNotFoundError, BadMethodCallError, Reader } from "@maxmind/geoip2-node";

export interface GeoipDatabase {
  /**
   * The City response as plain JSON, or the part of it that the database has; null for an unknown or invalid address.
   * Throws when there is no database.
   */
  locate(address: string): unknown;
}

export interface GeoipDatabaseOptions {
  /** Absent when there is no database. */
  path: string | undefined;
  /** Called when the file cannot be read; the previous database stays in use. */
  onError: (message: string) => void;
  /** How often the file's modification time is checked, in milliseconds. */
  checkEveryMs?: number;
}

const UNAVAILABLE = "IP location capabilities are not available in this PostHog instance!";

/**
 * The lookups that a database may support, best first: City and Enterprise have everything that plugins know, Country
 * only a part.
 */
const LOOKUPS = ["city", "enterprise", "country"] as const;

type Lookup = (address: string) => unknown;

/** The lookup for this kind of database. Throws when there is none. */
function lookupOf(reader: ReturnType<typeof Reader.openBuffer>): Lookup {
  let found = "";
  for (const name of LOOKUPS) {
    const lookup: Lookup = (address) => reader[name](address);
    try {
      lookup("::");
    } catch (error) {
      if (error instanceof BadMethodCallError) {
        found = / with the (.*) database/.exec(error.message)?.[1] ?? found;
        continue;
      }
      if (!(error instanceof AddressNotFoundError)) throw error;
    }
    return lookup;
  }
  throw new Error(`found a database of the kind "${found}", expected City, Enterprise or Country`);
}

/**
 * Opens the database and watches it until disposed of. Resolves also when the file cannot be read, because it may
 * appear later.
 */
export async function openGeoipDatabase(
  { path, onError, checkEveryMs = 30_000 }: GeoipDatabaseOptions,
): Promise<GeoipDatabase & Disposable> {
  let lookup: Lookup | null = null;
  let readVersion = "";

  async function readAgain(file: string): Promise<void> {
    try {
      const { mtime, size } = await Deno.stat(file);
      const version = `${mtime?.getTime()} ${size}`;
      if (version === readVersion) return;
      // Stored before reading, so that a broken file is reported once rather than at every check.
      readVersion = version;
      lookup = lookupOf(Reader.openBuffer(Buffer.from(await Deno.readFile(file))));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== lastWhy) onError(`Cannot read the GeoIP database ${file}: ${why}`);
      lastWhy = why;
    }
  }
  let lastWhy = "";

  // Polled rather than watched: the file is often replaced by renaming, or lies on a mounted volume without
  // notifications.
  const timer = path === undefined ? undefined : setInterval(() => readAgain(path), checkEveryMs);
  if (timer !== undefined) Deno.unrefTimer(timer);
  if (path !== undefined) await readAgain(path);

  return {
    locate(address) {
      if (lookup === null) throw new Error(UNAVAILABLE);
      if (isIP(address) === 0) return null;
      try {
        // The model consists of classes; only plain JSON, without their empty parts, is passed to the cell.
        return JSON.parse(JSON.stringify(lookup(address)));
      } catch (error) {
        if (error instanceof AddressNotFoundError) return null;
        throw error;
      }
    },
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
