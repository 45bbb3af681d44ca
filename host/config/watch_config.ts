/**
 * Watches hogpen.json, and plugin folders when asked to, while the service runs.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { HogpenConfig } from "./config.ts";
import { ConfigError } from "./read_config.ts";

export interface WatchOptions {
  signal: AbortSignal;
  /** Reads and validates the file. */
  read(): Promise<HogpenConfig>;
  /**
   * How often the file's modification time is checked, in milliseconds. A file counts as written when it is the same at
   * two consecutive checks.
   */
  everyMs?: number;
}

/** A change of the file: the new configuration, or why it cannot be used. */
export type ConfigChange = { config: HogpenConfig } | { error: ConfigError };

const EVERY_MS = 250;

/**
 * Yields after each change of the file until the signal aborts. The modification time is polled because editors replace
 * files, containers swap links, and mounted folders send no notifications.
 */
export async function* watchConfig(path: string, options: WatchOptions): AsyncGenerator<ConfigChange> {
  const { signal, read, everyMs = EVERY_MS } = options;
  let known = await fingerprint(path);
  let seen = known;
  while (await pause(everyMs, signal)) {
    const now = await fingerprint(path);
    const isStable = now === seen;
    seen = now;
    if (!isStable || now === known) continue;
    known = now;
    try {
      yield { config: await read() };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      yield { error };
    }
  }
}

/**
 * Yields the folders in which something changed, until the signal aborts. Changes that come together are reported once.
 */
export async function* watchFolders(folders: string[], signal: AbortSignal, quietMs = 100): AsyncGenerator<string[]> {
  if (folders.length === 0) return;
  if (signal.aborted) return;
  const watcher = Deno.watchFs(folders);
  const changed = new Set<string>();
  const events = watcher[Symbol.asyncIterator]();
  let isOpen = true;
  const stop = () => {
    if (isOpen) watcher.close();
    isOpen = false;
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    let next = events.next();
    while (!signal.aborted) {
      const event = await (changed.size === 0 ? next : Promise.race([next, delay(quietMs, null)]));
      if (event === null) {
        yield [...changed];
        changed.clear();
      } else if (event.done) return;
      else {
        next = events.next();
        if (event.value.kind === "access") continue;
        for (const folder of folders) {
          if (event.value.paths.some((path) => path === folder || path.startsWith(`${folder}/`))) changed.add(folder);
        }
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

async function fingerprint(path: string): Promise<string> {
  const info = await Deno.stat(path).catch(() => null);
  return info === null ? "missing" : `${info.mtime?.getTime()} ${info.size} ${info.ino}`;
}

/** False when the signal aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  return await delay(ms, true, { signal }).catch(() => false);
}
