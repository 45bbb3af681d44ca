/**
 * Node's own modules as packages have them. Most of them are simply Node's. Whatever could start a program or a
 * thread, load a module, open a file or look into the realm is replaced by something harmless of the same name, and
 * what no package asks for is absent.
 * @module
 */

import timers from "node:timers";
import { monotonic } from "../capture.ts";
import { freezeShared } from "../freeze_shared.ts";
import { filesForPackages } from "./hide_files.ts";

/** They are as Node has them. */
const OPEN: ReadonlySet<string> = new Set([
  "assert",
  "assert/strict",
  "buffer",
  "constants",
  "crypto",
  "dns",
  "dns/promises",
  "events",
  "http",
  "http2",
  "https",
  "net",
  "os",
  "path",
  "path/posix",
  "path/win32",
  "punycode",
  "querystring",
  "stream",
  "stream/consumers",
  "stream/promises",
  "stream/web",
  "string_decoder",
  "tls",
  "url",
  "util",
  "util/types",
  "zlib",
]);

/**
 * Files import these through the engine, which cannot be given anything else. That is harmless: no file exists for
 * them (`hide_files.ts`).
 */
const OPEN_TO_IMPORT: ReadonlySet<string> = new Set(["fs", "fs/promises"]);

function refusing(module: string, names: string[]): object {
  const entries = names.map((name) => [name, () => {
    throw new Error(`Cannot call ${module}.${name}: it is not available in plugins`);
  }]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

const { timeOrigin } = performance;

/** The measuring functions of `performance`, without what they measure. */
export function createPackagePerformance(): object {
  const nothing = () => undefined;
  return Object.freeze({ now: () => monotonic(), timeOrigin, mark: nothing, measure: nothing });
}

/** Made and frozen when a package first asks for them. */
const STAND_INS: Record<string, () => object> = {
  child_process: () =>
    refusing("child_process", ["exec", "execFile", "execFileSync", "execSync", "fork", "spawn", "spawnSync"]),
  dgram: () => refusing("dgram", ["createSocket"]),
  // aws-sdk asks whether one is active.
  domain: () => ({ active: null, Domain: class Domain {} }),
  fs: () => filesForPackages(),
  "fs/promises": () => filesForPackages().promises,
  perf_hooks: () => ({ performance: createPackagePerformance() }),
  // hideTimers has put its own there.
  timers: () => {
    const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = timers;
    return { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };
  },
  tty: () => ({ isatty: () => false }),
};

const made = new Map<string, object>();

/** The name of one of Node's modules, without the scheme; undefined for everything else. */
export function builtInName(specifier: string, isBuiltin: (specifier: string) => boolean): string | undefined {
  if (!isBuiltin(specifier)) return undefined;
  return specifier.startsWith("node:") ? specifier.slice("node:".length) : specifier;
}

/** True for modules that a package may load as Node has them. */
export function isOpenToPackages(name: string, byImport: boolean): boolean {
  return OPEN.has(name) || (byImport && OPEN_TO_IMPORT.has(name));
}

/** What stands in for the module; undefined for one that packages have as it is, or not at all. */
export function standInFor(name: string): object | undefined {
  const known = made.get(name);
  if (known !== undefined) return known;
  const standIn = Object.hasOwn(STAND_INS, name) ? STAND_INS[name]!() : undefined;
  if (standIn === undefined) return undefined;
  freezeShared(standIn);
  made.set(name, standIn);
  return standIn;
}
