/// <reference lib="dom" />
/**
 * What a page shows, read again while it is open.
 * @module
 */

import { useEffect, useState } from "preact/hooks";
import { call } from "./api.ts";

/** Reads the path every few seconds; `again` reads it at once. */
export function useData<T>(path: string, seconds = 5): { data: T | null; error: Error | null; again(): void } {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => setData(null), [path]);
  useEffect(() => {
    let over = false;
    const read = () =>
      call<T>("GET", path).then((found) => {
        if (over) return;
        setData(found);
        setError(null);
      }, (error) => over || setError(error));
    read();
    const timer = setInterval(read, seconds * 1000);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [path, seconds, round]);
  return { data, error, again: () => setRound((round) => round + 1) };
}
