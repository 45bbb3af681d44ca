/**
 * What packages take on disk, so that it can be said before they are fetched: the registry says it only afterwards.
 * @module
 */

import type { Lock } from "./cut_lock.ts";
import sizes from "./package_sizes.json" with { type: "json" };

/** The many that are too small to be listed, on average. */
const SMALL_KB = 40;

/** Kilobytes of the packages in a lock, by the sizes that `deno task sizes` measured. */
export function sizeOf({ npm }: Lock): number {
  const known: Record<string, number> = sizes;
  return Object.entries(npm)
    .filter(([, { os, cpu }]) => fits(os, Deno.build.os) && fits(cpu, CPU_NAMES[Deno.build.arch]))
    .reduce((sum, [key]) => sum + (known[nameAndVersion(key)] ?? SMALL_KB), 0);
}

/** `110 MB` of 112,345 kilobytes; two digits are as much as is true. */
export function describeSize(kilobytes: number): string {
  const megabytes = kilobytes / 1024;
  return megabytes < 1 ? "less than 1 MB" : `${Number(megabytes.toPrecision(2))} MB`;
}

/** Without the versions of peers. */
function nameAndVersion(key: string): string {
  return key.replace(/^(@?[^@]+@[^_]+).*$/, "$1");
}

const CPU_NAMES: Record<typeof Deno.build.arch, string> = { x86_64: "x64", aarch64: "arm64" };

/** A package without a list is for every machine. */
function fits(machines: string[] | undefined, own: string): boolean {
  return machines === undefined || machines.includes(own);
}
