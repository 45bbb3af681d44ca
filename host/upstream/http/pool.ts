/**
 * Idle connections to upstreams, kept for the next request.
 * @module
 */

import type { Connection } from "./connection.ts";

/**
 * How many idle connections are kept for one upstream, and for how long. Servers tend to close idle connections after a
 * minute or so, and a request should not be the one to find that out.
 */
const MOST_KEPT = 64;
const KEEP_MS = 15_000;

export interface Pool {
  /** A connection that was used before and from which nothing has come since, or null if there is none. */
  take(place: string): Connection | null;
  /** Keeps a connection whose last answer was read to its end. */
  give(place: string, connection: Connection): void;
}

export function createPool(now: () => number = performance.now.bind(performance)): Pool {
  const kept = new Map<string, { connection: Connection; since: number }[]>();
  let sweep: ReturnType<typeof setInterval> | undefined;

  function dropIdle(): void {
    for (const [place, list] of kept) {
      while (list[0] !== undefined && now() - list[0].since > KEEP_MS) list.shift()?.connection[Symbol.dispose]();
      if (list.length === 0) kept.delete(place);
    }
    if (kept.size > 0) return;
    clearInterval(sweep);
    sweep = undefined;
  }

  return {
    take(place) {
      const connection = kept.get(place)?.pop()?.connection ?? null;
      connection?.wake();
      return connection;
    },
    give(place, connection) {
      const list = kept.get(place) ?? [];
      if (list.length >= MOST_KEPT || connection.isClosed || connection.hasRest) return connection[Symbol.dispose]();
      const entry = { connection, since: now() };
      list.push(entry);
      kept.set(place, list);
      connection.idle(() => {
        const at = list.indexOf(entry);
        if (at !== -1) list.splice(at, 1);
      });
      if (sweep !== undefined) return;
      sweep = setInterval(dropIdle, KEEP_MS);
      Deno.unrefTimer(sweep);
    },
  };
}
