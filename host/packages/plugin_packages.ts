/**
 * Plugins wait here for the packages that they import. What several plugins ask for at the same time is fetched
 * together; what could not be had is tried again, each plugin's packages by themselves, so that one package that
 * nobody can get keeps only those waiting who import it.
 * @module
 */

import type { Clock } from "../clock.ts";
import { getPackages, PackageError } from "./get_packages.ts";
import { missingPackages, ownPackages } from "./package_files.ts";

export interface PluginPackages extends AsyncDisposable {
  /**
   * Resolves when they are there, at once when they were, or when the signal is aborted. `onWait` is told why it takes
   * time.
   */
  ready(names: readonly string[], options: { signal: AbortSignal; onWait(reason: string): void }): Promise<void>;
}

export interface PluginPackagesOptions {
  clock: Clock;
  /** Told what is fetched. */
  onNotice(line: string): void;
  /** Told the first time that something could not be had; the plugins' states say the rest. */
  onTrouble(line: string): void;
  /** Defaults: the project's own packages. */
  missing?(names: readonly string[]): string[];
  get?(names: readonly string[], options: { onNotice(line: string): void; signal: AbortSignal }): Promise<void>;
}

/** How long a request waits for others, so that the plugins of one start are served by one installation. */
const GATHER_MS = 100;
const RETRY_MS = [5_000, 10_000, 20_000, 40_000, 60_000];

export function createPluginPackages(options: PluginPackagesOptions): PluginPackages {
  const { clock, onNotice, onTrouble } = options;
  const missing = options.missing ?? ((names) => Deno.build.standalone ? [] : missingPackages(ownPackages(), names));
  const get = options.get ?? ((names, more) => getPackages(names, { purpose: "for plugins", ...more }));
  const stop = new AbortController();
  let turn: Promise<void> = Promise.resolve();
  let gathering: { names: Set<string>; done: Promise<void> } | null = null;

  /** One installation after the other. */
  function install(names: () => string[], onNotice: (line: string) => void): Promise<void> {
    const done = turn.then(() => get(names(), { onNotice, signal: stop.signal }));
    turn = done.catch(() => {});
    return done;
  }

  function installTogether(names: readonly string[]): Promise<void> {
    if (gathering === null) {
      const all = new Set<string>();
      const done = clock.sleep(GATHER_MS, stop.signal).then(() => {
        gathering = null;
        return install(() => [...all], onNotice);
      });
      done.catch((error) =>
        error instanceof PackageError &&
        onTrouble(`${error.message}. The plugins that import them wait; it is tried again`)
      );
      gathering = { names: all, done };
    }
    for (const name of names) gathering.names.add(name);
    return gathering.done;
  }

  return {
    async ready(names, { signal, onWait }) {
      const over = AbortSignal.any([signal, stop.signal]);
      for (let attempt = 0; !over.aborted; attempt++) {
        const wanted = missing(names);
        if (wanted.length === 0) return;
        const what = wanted.join(", ");
        if (attempt === 0) onWait(`waiting for ${what}, which ${wanted.length === 1 ? "is" : "are"} being fetched`);
        try {
          const work = attempt === 0 ? installTogether(wanted) : install(() => missing(wanted), () => {});
          await unlessAborted(work, over);
        } catch (error) {
          if (over.aborted) return;
          if (!(error instanceof PackageError)) throw error;
          const waitMs = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] as number;
          onWait(`waiting for ${what}: ${error.reason}. It is tried again in ${waitMs / 1000} s`);
          await clock.sleep(waitMs, over);
        }
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new PackageError("packages", "the service ends"));
      await turn;
    },
  };
}

/** What somebody else waits for as well goes on without us. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  work.catch(() => {});
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
